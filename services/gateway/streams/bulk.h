/* Bulk operations: what their hand-written handlers share. */
#pragma once
#include "exchange.h"
#include "nwims/v1/jobs.pb-c.h"

/* Of the bulk operations' answers: Location names the job. 202: it goes on; 422: it was refused, with what is wrong
 * with which item; else 200. */
void bulk_answer(struct exchange *exchange, const Nwims__V1__Job *job);
/* The query, and the header Prefer. False when it answered. */
MUST_CHECK bool bulk_options(struct exchange *exchange, Nwims__V1__BulkOptions *out_options);
/* The text of a body that is JSON, and the headers of a write. False when it answered. */
MUST_CHECK bool bulk_json(struct exchange *exchange, const char **out_body, size_t *out_size);
/* The same, read into the message. False when it answered. */
MUST_CHECK bool bulk_body(struct exchange *exchange, ProtobufCMessage *out_request);
bool bulk_prefers_async(const struct exchange *exchange);
/* False when it answered. */
MUST_CHECK bool bulk_call(struct exchange *exchange, const struct rpc_caller *caller, const char *method,
    const ProtobufCMessage *request, ProtobufCMessage **out_reply);
/* As JSON. */
void bulk_show(struct exchange *exchange, int status, const ProtobufCMessage *message);
