/* One request on its way through the layers. */
#pragma once
#include "base/log.h"
#include "gateway.h"
#include "http/problem.h"
#include "rpc/rpc.h"

struct exchange {
    struct app *app;
    struct http_request *request;
    struct arena *arena;
    struct rpc_caller caller;
    struct access_claims claims;
    struct http_match match;
    const struct route *route;
    struct route_metrics *metrics;
    struct log_scope scope;
    int64_t version;             /* of the thing in the answer, for its ETag; 0: it counts none */
    struct cache_lookup *lookup; /* in the arena; of a GET that may be cached */
    bool leads;                  /* others may wait for what the owner answers to this one */
    size_t body_charge;          /* taken from app->bodies */
    size_t received_bytes;
};

/* A layer lets the exchange pass (true) or answers it itself (false). */
typedef bool layer(struct exchange *exchange);

/* Answers with a problem that carries the request id. */
void exchange_problem(struct exchange *exchange, int status, const char *type, const char *detail);
void exchange_problem_fields(struct exchange *exchange, int status, const char *type, const char *detail,
    const struct problem_field *fields, size_t count);
/* With the time after which it is worth asking again. */
void exchange_retry(struct exchange *exchange, int status, const char *type, const char *detail, int64_t retry_after_s);
/* The same for an error of a library or an owner; our own faults show no inner text to the caller but are logged. */
void exchange_fail(struct exchange *exchange, const struct err *err);
/* The body, within the limits of one and of all; answers by itself and gives false when that cannot be. */
MUST_CHECK bool exchange_body(struct exchange *exchange, const char **out_body, size_t *out_size);
/* Whether Content-Type is the media type given, parameters aside; absent counts as application/json. */
MUST_CHECK bool exchange_content_is(const struct exchange *exchange, const char *media_type);
/* Answers with JSON that stands in the buffer; 500 if the buffer failed. Adds an ETag to answers of GET and turns a
 * matching one into 304. */
void exchange_json(struct exchange *exchange, int status, const struct buffer *json);
/* The same of a message, by its descriptor. */
void exchange_message(struct exchange *exchange, int status, const ProtobufCMessage *message);
/* 200 with JSON that is finished, or 304 if the caller has it. */
void exchange_answer_read(struct exchange *exchange, const char *etag, const char *json, size_t size);
/* The value of a path parameter, NULL if the route has none of this name. */
const char *exchange_parameter(const struct exchange *exchange, const char *name);
