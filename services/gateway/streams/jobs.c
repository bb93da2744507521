#include "streams/jobs.h"
#include "ingest/batch_ticket.h"
#include "nwims/v1/bulk.pb-c.h"
#include "nwims/v1/common.pb-c.h"
#include "nwims/v1/history.pb-c.h"
#include "rpc_exchange.h"
#include "streams/bulk.h"
#include "write_headers.h"
#include <string.h>

const struct hand_written get_job_manual = {
    .operation_id = "GetJob",
    .summary =
        "How far a bulk operation is, and what came of it; kept for 7 days after its end. Shown to whoever asked "
        "for it and to those with batch:read.",
    .reply = &nwims__v1__job__descriptor,
};
const struct hand_written get_job_failures_manual = {
    .operation_id = "GetJobFailures",
    .summary =
        "What failed of a bulk operation as CSV: of an import the rows as they came, with the reason in a column "
        "more, to be mended and sent again as they are.",
    .reply_schema = "{\"type\":\"string\"}",
    .reply_media_types = "text/csv",
};
const struct hand_written post_job_cancel_manual = {
    .operation_id = "CancelJob",
    .summary =
        "Stops a bulk operation: one that waits at once, one at work at its next step. All or nothing: then it is "
        "nothing. With on_error=skip what was done before stays.",
    .reply = &nwims__v1__job__descriptor,
};

static Nwims__V1__ById named(const struct exchange *exchange)
{
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    const char *id = exchange_parameter(exchange, "id");
    request.id = (char *)(uintptr_t)(id ? id : "");
    return request;
}

static bool is_of_readings(const char *id)
{
    return strncmp(id, BATCH_TICKET_OWNER, strlen(BATCH_TICKET_OWNER)) == 0;
}

static void get_readings(struct exchange *exchange, const Nwims__V1__ById *request)
{
    struct Nwims__V1__Failure *failure = NULL;
    struct err err = { 0 };
    ProtobufCMessage *reply;
    if (rpc_call(exchange->app->bus, &nwims__v1__history__descriptor, "GetBatch", &exchange->caller, &request->base,
            exchange->app->config.call_ms, exchange->arena, &reply, &failure, &err))
        bulk_show(exchange, 200, reply);
    else
        rpc_exchange_failure(exchange, failure, &err);
}

void get_job(struct exchange *exchange)
{
    const Nwims__V1__ById request = named(exchange);
    ProtobufCMessage *reply;
    if (is_of_readings(request.id)) {
        get_readings(exchange, &request);
        return;
    }
    if (bulk_call(exchange, &exchange->caller, "GetJob", &request.base, &reply))
        bulk_show(exchange, 200, reply);
}

void post_job_cancel(struct exchange *exchange)
{
    const Nwims__V1__ById request = named(exchange);
    ProtobufCMessage *reply;
    if (write_headers_take(exchange) && bulk_call(exchange, &exchange->caller, "CancelJob", &request.base, &reply))
        bulk_show(exchange, 200, reply);
}

/* ---- failed rows ---- */
/* What the columns of the heading are divided by; the rows are written alike. */
static char divider_of(const char *heading)
{
    return strchr(heading, ';') ? ';' : strchr(heading, '\t') ? '\t' : ',';
}

static void put_quoted(struct buffer *out, const char *text)
{
    buffer_put_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            buffer_put_char(out, '"');
        buffer_put_char(out, *text);
    }
    buffer_put_char(out, '"');
}

static void put_page(struct buffer *out, const Nwims__V1__JobFailures *page, char divider)
{
    for (size_t i = 0; i < page->n_rows; i++) {
        buffer_put_text(out, page->rows[i]->row ? page->rows[i]->row : "");
        buffer_put_char(out, divider);
        put_quoted(out, page->rows[i]->reason ? page->rows[i]->reason : "");
        buffer_put_char(out, '\n');
    }
}

/* Page by page, so that any number of rows takes the memory of one page. */
static void stream(
    struct exchange *exchange, Nwims__V1__ListJobFailuresRequest *request, const Nwims__V1__JobFailures *first)
{
    AUTO_INPLACE(buffer) text = { 0 };
    const Nwims__V1__JobFailures *page = first;
    const char *heading = first->heading && *first->heading ? first->heading : "id";
    char divider = divider_of(heading);
    buffer_put_text(&text, heading);
    buffer_put_char(&text, divider);
    buffer_put_text(&text, "reason\n");
    http_respond_header(exchange->request, "Content-Disposition", "attachment; filename=\"failed.csv\"");
    http_stream_begin(exchange->request, 200, "text/csv; charset=utf-8");
    for (;;) {
        struct err err = { 0 };
        ProtobufCMessage *reply;
        put_page(&text, page, divider);
        if (!buffer_ok(&text) || !http_stream_write(exchange->request, text.data, text.size))
            return; /* a stream that does not end shows that it is cut */
        buffer_reset(&text);
        if (page->is_last || page->n_rows == 0)
            break;
        request->has_after_index = true;
        request->after_index = page->rows[page->n_rows - 1]->index;
        if (!rpc_call(exchange->app->bus, &nwims__v1__registry_bulk__descriptor, "ListJobFailures", &exchange->caller,
                &request->base, exchange->app->config.call_ms, exchange->arena, &reply, NULL, &err)) {
            log_warn(&exchange->scope, "job.failures_cut", LOG_ERR(&err));
            return;
        }
        page = (const Nwims__V1__JobFailures *)reply;
    }
    http_stream_end(exchange->request);
}

void get_job_failures(struct exchange *exchange)
{
    Nwims__V1__ListJobFailuresRequest request = NWIMS__V1__LIST_JOB_FAILURES_REQUEST__INIT;
    ProtobufCMessage *reply;
    request.id = named(exchange).id;
    if (bulk_call(exchange, &exchange->caller, "ListJobFailures", &request.base, &reply))
        stream(exchange, &request, (const Nwims__V1__JobFailures *)reply);
}

/* ---- tokens ---- */
const struct hand_written post_job_tokens_manual = {
    .operation_id = "TakeImportTokens",
    .summary = "The tokens of the devices that an import with tokens=true made, as CSV: code, id, token. Each is given "
               "once, to whoever asked for the import, and is known to nobody afterwards; what was not taken goes with "
               "the bulk operation after 7 days. A device whose token was lost gets a new credential.",
    .reply_schema = "{\"type\":\"string\"}",
    .reply_media_types = "text/csv",
};

static void put_tokens(struct buffer *out, const Nwims__V1__ImportTokens *page)
{
    for (size_t i = 0; i < page->n_rows; i++) {
        put_quoted(out, page->rows[i]->code);
        buffer_put_char(out, ',');
        buffer_put_text(out, page->rows[i]->device_id);
        buffer_put_char(out, ',');
        buffer_put_text(out, page->rows[i]->token);
        buffer_put_char(out, '\n');
    }
}

void post_job_tokens(struct exchange *exchange)
{
    Nwims__V1__TakeTokensRequest request = NWIMS__V1__TAKE_TOKENS_REQUEST__INIT;
    AUTO_INPLACE(buffer) text = { 0 };
    struct err err = { 0 };
    ProtobufCMessage *reply;
    request.id = named(exchange).id;
    exchange->caller.idempotency_key[0] = '\0'; /* what is given once cannot be repeated */
    if (!bulk_call(exchange, &exchange->caller, "TakeTokens", &request.base, &reply))
        return;
    buffer_put_text(&text, "code,id,token\n");
    http_respond_header(exchange->request, "Content-Disposition", "attachment; filename=\"tokens.csv\"");
    http_respond_header(exchange->request, "Cache-Control", "no-store");
    http_stream_begin(exchange->request, 200, "text/csv; charset=utf-8");
    for (const Nwims__V1__ImportTokens *page = (const Nwims__V1__ImportTokens *)reply;;
         page = (const Nwims__V1__ImportTokens *)reply) {
        put_tokens(&text, page);
        if (!buffer_ok(&text) || !http_stream_write(exchange->request, text.data, text.size))
            return; /* a stream that does not end shows that it is cut */
        buffer_reset(&text);
        if (page->is_last)
            break;
        request.has_goes_on = request.goes_on = true;
        if (!rpc_call(exchange->app->bus, &nwims__v1__registry_bulk__descriptor, "TakeTokens", &exchange->caller,
                &request.base, exchange->app->config.call_ms, exchange->arena, &reply, NULL, &err)) {
            log_warn(&exchange->scope, "job.tokens_cut", LOG_ERR(&err));
            return;
        }
    }
    http_stream_end(exchange->request);
}
