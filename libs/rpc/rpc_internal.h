/* What the files of this library share and nobody else needs. */
#pragma once
#include "rpc/rpc.h"

/* ---- headers ----------------------------------------------------------------------------------------------------- */
#define RPC_HEADER_STATUS "Nwims-Status"
#define RPC_HEADER_MESSAGE "Nwims-Message"
enum { RPC_CALL_HEADERS = 10, RPC_UNIMPLEMENTED = 12, RPC_SUBJECT_SIZE = 128 };
enum { RPC_PRESET_DEADLINE_MS = 10000, RPC_LONGEST_DEADLINE_MS = 600000 };

/* The headers of one call and the texts that they point to. */
struct rpc_call_headers {
    struct bus_header list[RPC_CALL_HEADERS];
    size_t count;
    char traceparent[TRACEPARENT_SIZE];
    char tenant[16];
    char deadline[24];
};
/* ERR_INPUT if a text of the caller could not be a header (control characters would begin another one). */
MUST_CHECK bool rpc_caller_to_headers(
    struct rpc_call_headers *out_headers, const struct rpc_caller *caller, int64_t deadline_ms, struct err *err);
/* ERR_INPUT if a header is malformed or too long: a cut permission list would be another one. The trace is a child of
 * the sender's. */
MUST_CHECK bool rpc_caller_from_message(
    struct rpc_caller *out_caller, const struct bus_message *message, struct err *err);
/* How long the sender still waits; a preset when it does not say. */
int64_t rpc_deadline_ms(const struct bus_message *message);

/* "rpc.registry." + name; false if it does not fit. */
MUST_CHECK bool rpc_subject(
    char subject[RPC_SUBJECT_SIZE], const ProtobufCServiceDescriptor *service, const char *name);

/* ---- metrics of one served service: made once a process, found again when a server is opened anew ---------------- */
struct rpc_metrics;
MUST_CHECK struct rpc_metrics *rpc_metrics_of(const ProtobufCServiceDescriptor *service);
void rpc_metrics_observe(struct rpc_metrics *metrics, unsigned method, enum err_kind kind, int64_t took_us);
enum rpc_refusal { RPC_REFUSED_FULL, RPC_REFUSED_LATE, RPC_REFUSED_UNKNOWN };
void rpc_metrics_refused(struct rpc_metrics *metrics, enum rpc_refusal why);
void rpc_metrics_in_flight(struct rpc_metrics *metrics, int change);
void rpc_metrics_waiting(struct rpc_metrics *metrics, size_t waiting);

/* ---- answering one message --------------------------------------------------------------------------------------- */
struct rpc_pending {
    struct bus_message *message;
    int64_t received_us; /* monotonic */
    int64_t deadline_us;
};
/* What a worker owns, besides what all share. */
struct rpc_answerer {
    struct bus *bus;
    const ProtobufCServiceDescriptor *service;
    rpc_handler *const *handlers; /* by the method's index in the descriptor */
    void *context;
    struct rpc_metrics *metrics;
    struct arena arena;
    struct buffer reply;
};
void rpc_answer(struct rpc_answerer *answerer, const struct rpc_pending *pending);
/* Without a worker: for what is refused at the door. */
void rpc_refuse(struct bus *bus, const struct bus_message *message, int status, const char *text);
