/* An endpoint is one line of a table: what it is called, who may call it, who answers it. */
#pragma once
#include "cache/cache_class.h"
#include "metrics/metrics.h"
#include "wire/wire.h"

struct exchange;
typedef void exchange_handler(struct exchange *exchange);

#define PERMISSION_PUBLIC "public" /* nobody needs to be logged in            */
#define PERMISSION_ANY ""          /* whoever is logged in                     */

/* How the OpenAPI document shows a handler that is written by hand. */
struct hand_written {
    const char *operation_id;
    const char *summary;
    const ProtobufCMessageDescriptor *query; /* the query's parameters, or (POST, PUT) the body's fields; or NULL */
    const char *request_schema;              /* JSON Schema of the body, or NULL */
    const ProtobufCMessageDescriptor *body;  /* instead of request_schema */
    bool may_go_on;                          /* answers 202 where it does not wait for the end */
    const char *reply_schema;                /* JSON Schema of the success answer */
    const ProtobufCMessageDescriptor *reply; /* instead of reply_schema */
    const char *request_media_types;         /* "application/json|text/csv"; NULL: JSON */
    const char *reply_media_types;           /* the same of the success answer */
};

struct route {
    const char *method;
    const char *path; /* below /api/v1 */
    const char *permission;
    const ProtobufCServiceDescriptor *service;
    const char *rpc_method;
    int success;
    exchange_handler *handler;         /* instead of service and rpc_method */
    const struct hand_written *manual; /* with handler                      */
    enum cache_class cache;            /* how long the answer of a GET may be kept; left out: not at all */
    const char *media_type;            /* of the answer, a kind of JSON; left out: application/json */
};

/* A group of routes: one file each in routes/, { 0 } ends it. */
struct router {
    const char *tag;
    const char *summary;
    const struct route *routes;
};
extern const struct router *const routers[]; /* NULL-terminated */

/* Times of one route by status class; made once at start. */
struct route_metrics {
    const struct route *route;
    struct metric *seconds[6]; /* by the status' first digit */
};
