/* What the files of the server share: one worker for each thread of civetweb, one request at a time in it. */
#pragma once
#include "http/http_server.h"
#include <civetweb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <time.h>

enum {
    HEAD_BYTES = 16 * 1024,          /* of a request: civetweb's max_request_size, one such buffer a thread */
    READ_BYTES = 16 * 1024,          /* of a body at a time */
    DISCARD_BYTES = 64 * 1024,       /* of a body that nobody read: more, and the connection is closed */
    LINGER_BYTES = 16 * 1024 * 1024, /* read before closing, so that the caller sees the answer, not a reset */
    ONE_WRITE_BYTES = 64 * 1024,     /* bodies up to this go out together with the head */
    KEPT_BYTES = 16 * 1024,          /* of a thread's buffers between requests */
    MOST_ADDED_HEADERS = 24,
};

enum body_state { BODY_NONE, BODY_UNREAD, BODY_READ, BODY_BROKEN };
enum stream_state { STREAM_NONE, STREAM_OPEN, STREAM_ENDED };

struct http_request {
    struct http_worker *worker;
    struct mg_connection *connection;
    const struct mg_request_info *info;
    const char *path;        /* decoded; "" while it is not known to be good */
    const char *peer;        /* who is at the other end, by the proxy's word where there is one */
    const char *certificate; /* SHA-256 of the caller's, in hexadecimal; NULL: showed none */
    int64_t started_us;
    int64_t content_length; /* -1: chunked */
    enum body_state body;
    int socket; /* once it was looked for; 0: not yet */
    bool body_was_asked;
    bool expects_continue; /* the caller waits for our word before it sends the body */
    bool is_head;
    bool is_old; /* HTTP/1.0 */
    bool caller_keeps;
    bool must_close;
    int status;
    enum stream_state stream;
    size_t header_count;
    void (*before_answer)(void *context, int status);
    void *before_context;
};

/* What a thread keeps from request to request. */
struct http_worker {
    struct http_worker *next; /* of the server's, under its watch_lock */
    struct http_server *server;
    pthread_mutex_t watch_lock; /* guards the next */
    int64_t read_until_us;      /* monotonic; 0: does not read a body */
    const char *head_start;     /* where civetweb's buffer of this thread begins */
    char
        looked_up[INET6_ADDRSTRLEN]; /* the address that was last looked for among the proxies, and whether it is one */
    bool is_proxy;
    struct http_request request;
    struct arena arena;
    struct buffer path, headers, out, body, opened; /* opened: a body that was gzip */
    time_t date_second;
    char date[40];
};

struct http_server {
    struct http_server_config config;
    http_handler *handler;
    void *context;
    struct mg_context *civetweb;
    atomic_bool is_started;
    char proxies[256], proxy_secret[128];
    struct sockaddr_in address; /* with the port that was found where 0 was asked for */
    atomic_bool is_draining;
    atomic_bool is_closing;
    atomic_int running;         /* handlers */
    pthread_mutex_t watch_lock; /* guards workers and ends_watch; before that of a worker */
    pthread_cond_t watch_end;
    struct http_worker *workers;
    bool ends_watch;
    atomic_bool is_watched;
    pthread_t watcher;
    char complaint[160]; /* of civetweb while it starts */
};

/* ---- http_decode.c ---- */
/* Percent-decodes into target (length bytes and a NUL fit). False for %zz, for a NUL and for what is not UTF-8. */
MUST_CHECK bool http_decode(const char *text, size_t length, bool plus_is_space, char *target);
/* A path as sent into an absolute, decoded one. False also for control characters, ".." segments and what does not
 * begin with "/". */
MUST_CHECK bool http_decode_path(struct buffer *out, const char *raw);

/* ---- http_request.c ---- */
/* Names of headers in any case. Of the dozens that a request is asked for most differ in the first letter. */
static inline bool http_is_header(const struct mg_header *header, const char *name)
{
    enum { CASE = 0x20 };
    return (*header->name | CASE) == (*name | CASE) && strcasecmp(header->name, name) == 0;
}

/* ---- http_limits.c ---- */
/* Looks at what civetweb has let through and fills the request. NULL if all is well, else why it is refused. */
struct http_refusal {
    enum http_reason {
        REFUSED_SYNTAX,
        REFUSED_HEADERS,
        REFUSED_FRAMING,
        REFUSED_HOST,
        REFUSED_TARGET,
        REFUSED_CLOSING
    } reason;
    const char *detail;
};
const struct http_refusal *http_limits_check(struct http_request *request);

/* ---- http_watch.c ---- */
void http_watch_init(struct http_server *server);
void http_watch_close(struct http_server *server); /* after the last worker has gone */
void http_watch_add(struct http_worker *worker);
void http_watch_remove(struct http_worker *worker);
/* From begin to end the request may take request_ms; then its connection gives no more bytes. */
void http_watch_begin(struct http_request *request);
void http_watch_end(struct http_request *request);

/* ---- http_socket.c ---- */
/* -1 if it cannot be found. As many system calls as there are open files: for what lasts. */
int http_socket_of(const struct http_request *request);

/* ---- http_proxy.c ---- */
#define HTTP_PROXY_SECRET_HEADER "Nwims-Proxy-Secret"
#define HTTP_CERTIFICATE_HEADER "Nwims-Client-Certificate"
/* Whether the list ("127.0.0.1, 10.0.0.0/8") has the IPv4 address. */
MUST_CHECK bool http_proxy_has_address(const char *list, const char *address);
/* Fills peer and certificate of the request. */
void http_proxy_read(struct http_request *request);

/* ---- http_metrics.c ---- */
void http_metrics_init(void);
void http_metrics_connection(int64_t by);
void http_metrics_refused(enum http_reason reason);

/* ---- http_body.c ---- */
/* Reads away what is left of the body, up to most bytes; false if there is more or the connection broke. */
bool http_body_discard(struct http_request *request, size_t most);

/* ---- http_answer.c ---- */
/* Sends all or says false. */
bool http_send(struct mg_connection *connection, const void *data, size_t size);
/* An answer where there is no request: civetweb could not read one. The connection is closed afterwards. */
void http_answer_bare(struct mg_connection *connection, int status, const char *detail);
