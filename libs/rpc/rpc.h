/* Calls between services over the bus: rpc.<service>.<Method>, protobuf in and out, described by the protobuf service
 * descriptor. The headers carry the caller (tenant, actor, permissions), the deadline and W3C trace context; the
 * reply's Nwims-Status is a gRPC status code. */
#pragma once
#include "base/log.h"
#include "bus/bus.h"
#include "wire/wire.h"

/* ---- trace context (W3C) ----------------------------------------------------------------------------------------- */
struct trace {
    char trace_id[33];
    char span_id[17];
    char flags[3];
};
/* Strict parse of a traceparent; false (and a new root) if it is none. */
bool trace_begin(struct trace *trace, const char *traceparent);
/* The same trace, a new span. */
void trace_child(struct trace *child, const struct trace *parent);
enum { TRACEPARENT_SIZE = 56 };
void trace_format(char text[TRACEPARENT_SIZE], const struct trace *trace);

/* ---- who calls --------------------------------------------------------------------------------------------------- */
enum {
    RPC_ACTOR_SIZE = 64,
    RPC_PERMISSIONS_SIZE = 1024,
    RPC_SCOPE_SIZE = 512,
    RPC_IDEMPOTENCY_KEY_SIZE = 129,
    RPC_IF_MATCH_SIZE = 256
};
struct rpc_caller {
    int32_t tenant_id; /* 0: none */
    char actor[RPC_ACTOR_SIZE];
    char permissions[RPC_PERMISSIONS_SIZE];
    /* For which part of the tenant the permission of this very call was given: "" for all of it, else region and
     * municipality ids, each "r:" or "m:" and a UUID, separated by one space. What lies outside is not there for the
     * caller (ERR_NOT_FOUND, no item of a list). */
    char scope[RPC_SCOPE_SIZE];
    char idempotency_key[RPC_IDEMPOTENCY_KEY_SIZE]; /* of a write that may be sent again; "" for none */
    char if_match[RPC_IF_MATCH_SIZE]; /* HTTP's If-Match: the versions that a write is for (service/precondition.h); ""
                                         for any */
    char request_id[40];
    char peer[48]; /* address the request came from */
    struct trace trace;
};

/* Whether the caller's permission is for what counts to this municipality and region ("" or NULL: to none). */
bool rpc_scope_has(const struct rpc_caller *caller, const char *region_id, const char *municipality_id);

/* ---- status codes: gRPC's ---------------------------------------------------------------------------------------- */
int rpc_status_of(enum err_kind kind);
enum err_kind rpc_kind_of(int status);

/* ---- calling ----------------------------------------------------------------------------------------------------- */
/* The reply lives in the arena. On failure err has the kind and the owner's text, and *out_failure (may be NULL) the
 * violations, if any. What only the owner's operators can mend (ERR_BUG, ERR_CONFIG, ERR_TRANSIENT there) comes without
 * its text, which is in the owner's log. Nobody serves, or an older version that lacks the method: ERR_TRANSIENT.
 * caller NULL: nobody. descriptor: &nwims__v1__registry__descriptor; method: "GetSensor". */
struct Nwims__V1__Failure;
MUST_CHECK bool rpc_call(struct bus *bus, const ProtobufCServiceDescriptor *service, const char *method,
    const struct rpc_caller *caller, const ProtobufCMessage *request, int64_t timeout_ms, struct arena *arena,
    ProtobufCMessage **out_reply, struct Nwims__V1__Failure **out_failure, struct err *err);

/* ---- serving ----------------------------------------------------------------------------------------------------- */
struct rpc_call {
    const struct rpc_caller *caller;
    struct arena *arena;                /* for the reply; reset after it was sent */
    int64_t deadline_us;                /* monotonic */
    struct log_scope scope;             /* for logs of this call */
    struct Nwims__V1__Failure *failure; /* filled by rpc_violation */
    const ProtobufCMethodDescriptor *method;
    const ProtobufCMessage *request;
    ProtobufCMessage *reply; /* what the handler fills: the same as its argument */
    bool is_answered;        /* by rpc_answered */
};
/* Names a field that is wrong; returns false with ERR_INPUT in err, so that failing is one line. */
bool rpc_violation(struct rpc_call *call, struct err *err, const char *field, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Ends the call with what stands in call->reply now, whatever step of the handler finds out that it is all done:
 * returns false without an error, so that the handler's chain of steps ends there. */
bool rpc_answered(struct rpc_call *call);

/* request is the method's input, reply an empty message of its output in the arena: both of the generated types,
 * assigned without a cast. */
typedef bool rpc_handler(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err);
struct rpc_method {
    const char *name;
    rpc_handler *handler;
};
struct rpc_server;
struct rpc_server_config {
    const ProtobufCServiceDescriptor *service;
    const struct rpc_method *methods; /* every method of the descriptor, in any order, { 0 } last; else ERR_BUG */
    void *context;
    int64_t workers; /* threads */
    int64_t queue;   /* most calls waiting: beyond it callers get RESOURCE_EXHAUSTED at once */
    int64_t arena_bytes;
};
MUST_CHECK bool rpc_server_open(
    struct rpc_server **out_server, struct bus *bus, const struct rpc_server_config *config, struct err *err);
/* Stops taking, finishes what was taken, joins the workers. */
void rpc_server_close(struct rpc_server *server);
AUTO_DEFINE(rpc_server, rpc_server_close)
