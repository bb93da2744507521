/* An HTTP/1.1 server (civetweb hidden inside): plain HTTP behind a proxy that ends TLS. One thread per connection; the
 * handler runs on it. Refuses by itself what civetweb lets through: Content-Length with Transfer-Encoding, two or odd
 * Content-Lengths, no Host, bad targets. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"

struct http_server;
struct http_request;

struct http_server_config {
    const char *address;   /* "127.0.0.1:8080" */
    int64_t threads;       /* most connections at once: one each */
    int64_t request_ms;    /* to receive a request */
    int64_t keep_alive_ms; /* between requests */
    int64_t arena_bytes;   /* ceiling of each request's arena */
    /* Proxies in front, IPv4 addresses and networks with commas; NULL or "": none. What one says in X-Forwarded-For and
     * Nwims-Client-Certificate is believed if it also sends the secret in Nwims-Proxy-Secret (where one is set). */
    const char *proxies;
    const char *proxy_secret;
};

/* Answers exactly once with http_respond (or http_stream_begin ...); if it does not, 500 is sent. It runs on one of
 * civetweb's threads, whose stack Debian's build fixes at 100 KiB: large things belong in the arena. */
typedef void http_handler(void *context, struct http_request *request);
/* ERR_CONFIG if the port is taken or the address is none; "host:0" picks a free port. */
MUST_CHECK bool http_server_open(struct http_server **out_server, const struct http_server_config *config,
    http_handler *handler, void *context, struct err *err);
int http_server_port(const struct http_server *server);
/* From now on answers carry Connection: close. */
void http_server_drain(struct http_server *server);
/* Waits for the handlers that run, then up to 2 s for idle connections. Requests that come meanwhile get 503. */
void http_server_close(struct http_server *server);
AUTO_DEFINE(http_server, http_server_close)

/* ---- what was asked -----------------------------------------------------------------------------------------------
 */
const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request);                     /* percent-decoded, no query */
const char *http_request_query(const struct http_request *request);                    /* raw, "" if none */
const char *http_request_header(const struct http_request *request, const char *name); /* any case; NULL if absent */
/* The caller's address, without port; what the proxy says if the request came through one. */
const char *http_request_peer(const struct http_request *request);
/* SHA-256 of the client certificate that the proxy has verified, 64 hexadecimal digits; NULL if there was none. */
const char *http_request_certificate(const struct http_request *request);
/* Per-request memory, reset before the next. */
struct arena *http_request_arena(struct http_request *request);
int64_t http_request_started_us(const struct http_request *request); /* monotonic */
/* How the body is packed: http_request_body opens gzip and refuses what is unknown (ERR_INPUT; answer 415 before). */
enum http_encoding { HTTP_ENCODING_NONE, HTTP_ENCODING_GZIP, HTTP_ENCODING_UNKNOWN };
enum http_encoding http_request_encoding(const struct http_request *request);
/* The whole body (chunked or not, opened if gzip) in memory owned by the request, valid until the answer. ERR_LIMIT if
 * longer than ceiling (packed or opened), ERR_INPUT if cut short or damaged, ERR_DEADLINE if it came too slowly. Read
 * at most once; a body that nobody reads is discarded or the connection closed. */
MUST_CHECK bool http_request_body(
    struct http_request *request, size_t ceiling, const char **out_body, size_t *out_size, struct err *err);
/* How long http_request_body will be: -1 if unknown (chunked or gzip). */
int64_t http_request_content_length(const struct http_request *request);
/* Whether the caller has closed the connection; for streams that may be silent for long. Costs a search for the socket
 * the first time. */
bool http_request_is_gone(struct http_request *request);
/* True once http_server_drain was called: streams that would go on for ever look here and end. */
bool http_request_is_draining(const struct http_request *request);
/* The value of a query parameter, percent-decoded into the arena; NULL if absent. Only the first of several. */
const char *http_request_query_value(struct http_request *request, const char *name);
/* Walks the query's pairs, decoded into the arena, until visit returns false; false if the query is malformed. */
MUST_CHECK bool http_request_query_each(
    struct http_request *request, bool (*visit)(void *context, const char *name, const char *value), void *context);

/* ---- the answer
 * ------------------------------------------------------------------------------------------------------ */
/* Added to the answer that follows; name constant, value copied; at most 24. Line breaks in a value are refused
 * (dropped). */
void http_respond_header(struct http_request *request, const char *name, const char *value);
/* Called once, with the status, right before the answer that follows is begun: what must be done before the caller
 * hears of it. Must not answer. */
void http_before_answer(struct http_request *request, void (*callback)(void *context, int status), void *context);
/* One write of headers and body. content_type NULL: no body. HEAD sends no body. */
void http_respond(struct http_request *request, int status, const char *content_type, const void *body, size_t size);
int http_request_status(const struct http_request *request); /* 0 until answered */
/* For answers of unknown length (chunked): begin, write as often as needed (false: the peer is gone or the server is
 * being closed), end. */
void http_stream_begin(struct http_request *request, int status, const char *content_type);
MUST_CHECK bool http_stream_write(struct http_request *request, const void *data, size_t size);
void http_stream_end(struct http_request *request);
