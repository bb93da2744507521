#include "streams/bulk.h"
#include "nwims/v1/bulk.pb-c.h"
#include "query_fill.h"
#include "rpc_exchange.h"
#include "write_headers.h"
#include <stdio.h>
#include <string.h>

/* A thousand items are written one by one within the call. */
enum { BULK_CALL_MS = 60000 };

bool bulk_prefers_async(const struct exchange *exchange)
{
    const char *prefer = http_request_header(exchange->request, "Prefer");
    return prefer && strstr(prefer, "respond-async");
}

bool bulk_options(struct exchange *exchange, Nwims__V1__BulkOptions *out_options)
{
    if (!query_fill(exchange, &out_options->base))
        return false;
    out_options->has_respond_async = true;
    out_options->respond_async = bulk_prefers_async(exchange);
    return true;
}

bool bulk_json(struct exchange *exchange, const char **out_body, size_t *out_size)
{
    if (!exchange_content_is(exchange, "application/json")) {
        exchange_problem(exchange, 415, NULL, "Send application/json.");
        return false;
    }
    return write_headers_take(exchange) && exchange_body(exchange, out_body, out_size);
}

bool bulk_body(struct exchange *exchange, ProtobufCMessage *out_request)
{
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    const char *body;
    size_t size;
    if (!bulk_json(exchange, &body, &size))
        return false;
    if (transcode_from_json(out_request, exchange->arena, body, size, true, &violations, &err))
        return true;
    rpc_exchange_violations(exchange, &violations, &err);
    return false;
}

bool bulk_call(struct exchange *exchange, const struct rpc_caller *caller, const char *method,
    const ProtobufCMessage *request, ProtobufCMessage **out_reply)
{
    struct Nwims__V1__Failure *failure = NULL;
    struct err err = { 0 };
    if (rpc_call(exchange->app->bus, &nwims__v1__registry_bulk__descriptor, method, caller, request, BULK_CALL_MS,
            exchange->arena, out_reply, &failure, &err))
        return true;
    rpc_exchange_failure(exchange, failure, &err);
    return false;
}

void bulk_show(struct exchange *exchange, int status, const ProtobufCMessage *message)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct err err = { 0 };
    if (transcode_to_json(&json, message, &err))
        exchange_json(exchange, status, &json);
    else
        exchange_fail(exchange, &err);
}

static void refuse(struct exchange *exchange, const Nwims__V1__Job *job)
{
    struct problem_field *fields = arena_alloc_array(exchange->arena, job->n_items + 1, sizeof *fields);
    char detail[256];
    size_t count = 0;
    for (size_t i = 0; fields && i < job->n_items; i++) {
        const Nwims__V1__JobItem *item = job->items[i];
        if (!item->outcome || strcmp(item->outcome, "failed") != 0)
            continue;
        const char *reason = item->reason;
        if (item->has_line && reason)
            reason = arena_printf(exchange->arena, "line %lld: %s", (long long)item->line, reason);
        fields[count++] =
            (struct problem_field){ .field = item->field, .code = item->code, .reason = reason, .index = item->index };
    }
    snprintf(detail, sizeof detail,
        "%lld of %lld items are bad, so nothing was changed; GET /api/v1/batch/%s/failed has them as CSV.",
        (long long)job->failed, (long long)job->total, job->id);
    exchange_problem_fields(exchange, 422, "bad-items", detail, fields, count);
}

void bulk_answer(struct exchange *exchange, const Nwims__V1__Job *job)
{
    char location[160];
    const char *state = job->state ? job->state : "";
    snprintf(location, sizeof location, "/api/v1/batch/%s", job->id ? job->id : "");
    http_respond_header(exchange->request, "Location", location);
    if (strcmp(state, "failed") == 0)
        refuse(exchange, job);
    else
        bulk_show(exchange, strcmp(state, "done") == 0 ? 200 : 202, &job->base);
}
