#include "streams/batch_readings.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "exchange.h"
#include "ingest/batch_ticket.h"
#include "ingest/body_codec.h"
#include "layers/layers.h"
#include "nwims/v1/readings.pb-c.h"
#include "service/audit_trail.h"
#include <stdio.h>
#include <string.h>

#define READING_SCHEMA                                                                                                 \
    "{\"type\":\"object\",\"required\":[\"sensor_id\",\"value\"],\"properties\":{"                                     \
    "\"sensor_id\":{\"type\":\"string\",\"description\":\"The sensor's code or id.\",\"examples\":[\"SENSOR_001\"]},"  \
    "\"value\":{\"type\":\"number\",\"examples\":[3.5]},"                                                              \
    "\"unit\":{\"type\":\"string\",\"description\":\"UCUM code or a usual spelling; converted to the sensor's "        \
    "canonical unit. The sensor's own if absent.\",\"examples\":[\"bar\"]},"                                           \
    "\"timestamp\":{\"type\":\"string\",\"format\":\"date-time\",\"description\":\"When it was measured; stamped on "  \
    "arrival if absent.\"},"                                                                                           \
    "\"status\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295,\"description\":\"OPC UA StatusCode; Good " \
    "(0) if absent.\"}}}"
#define BATCH_REPLY_SCHEMA                                                                                             \
    "{\"type\":\"object\",\"required\":[\"batch_id\",\"status\",\"received\",\"accepted\",\"refused\"],"               \
    "\"properties\":{"                                                                                                 \
    "\"batch_id\":{\"type\":\"string\",\"format\":\"uuid\"},"                                                          \
    "\"id\":{\"type\":\"string\",\"description\":\"When accepted: GET /batch/{id} tells what became of it, as "        \
    "Location "                                                                                                        \
    "does.\"},"                                                                                                        \
    "\"status\":{\"type\":\"string\",\"enum\":[\"committed\",\"accepted\"],\"description\":\"committed: PostgreSQL "   \
    "has it. accepted: the stream has it, the rest follows.\"},"                                                       \
    "\"received\":{\"type\":\"integer\"},\"accepted\":{\"type\":\"integer\"},"                                         \
    "\"stored\":{\"type\":\"integer\",\"description\":\"New readings; when committed.\"},"                             \
    "\"duplicate\":{\"type\":\"integer\",\"description\":\"Readings that were there already; when committed.\"},"      \
    "\"refused\":{\"type\":\"integer\"},"                                                                              \
    "\"rejected\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"index\":{\"type\":\"integer\"}" \
    ",\"field\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"reason\":{\"type\":\"string\"}}}}}}"
#define READINGS_SCHEMA "{\"type\":\"array\",\"minItems\":1,\"maxItems\":100000,\"items\":" READING_SCHEMA "}"

const struct hand_written post_batch_readings_manual = {
    .operation_id = "PostBatchReadings",
    .summary =
        "Stores 1 to 100,000 readings, all or nothing, and answers when PostgreSQL has committed. Sent as JSON, "
        "SenML, NDJSON, CSV or protobuf by Content-Type, gzip welcome. With the header \"Prefer: respond-async\" "
        "it "
        "answers 202 as soon as the stream has the batch; with \"Idempotency-Key\" the same body is taken once.",
    .query = &nwims__v1__batch_options__descriptor,
    .request_schema =
        "{\"oneOf\":[" READINGS_SCHEMA
        ",{\"type\":\"object\",\"required\":[\"readings\"],\"properties\":{\"readings\":" READINGS_SCHEMA "}}]}",
    .may_go_on = true,
    .reply_schema = BATCH_REPLY_SCHEMA,
    .request_media_types = BODY_CODEC_TYPES_LISTED,
};
const struct hand_written post_reading_manual = {
    .operation_id = "PostReading",
    .summary = "Stores one reading and answers when PostgreSQL has committed.",
    .query = &nwims__v1__batch_options__descriptor,
    .request_schema = READING_SCHEMA,
    .may_go_on = true,
    .reply_schema = BATCH_REPLY_SCHEMA,
    .request_media_types = BODY_CODEC_TYPES_LISTED,
};

enum { AUDIT_PUBLISH_MS = 2000 };

/* What the caller asked for besides the body. */
struct wish {
    enum intake_mode mode;
    bool is_async;
    const char *idempotency_key;
    const struct body_codec *codec;
};

static bool prefers_async(const struct exchange *exchange)
{
    const char *prefer = http_request_header(exchange->request, "Prefer");
    return prefer && strstr(prefer, "respond-async");
}

/* False when it answered. */
static bool read_wish(struct exchange *exchange, struct wish *out_wish)
{
    const char *on_error = http_request_query_value(exchange->request, "on_error");
    const struct body_codec *codec = body_codec_find(http_request_header(exchange->request, "Content-Type"));
    const char *key = http_request_header(exchange->request, "Idempotency-Key");
    const struct problem_field field = { .field = "on_error", .reason = "say abort or skip", .index = -1 };
    if (!codec) {
        exchange_problem(exchange, 415, NULL, "Send " BODY_CODEC_TYPES ".");
        return false;
    }
    if (on_error && strcmp(on_error, "abort") != 0 && strcmp(on_error, "skip") != 0) {
        exchange_problem_fields(exchange, 422, NULL, "A query parameter is wrong.", &field, 1);
        return false;
    }
    if (key && (!*key || strlen(key) > 128)) {
        exchange_problem(exchange, 400, NULL, "Idempotency-Key takes 1 to 128 characters.");
        return false;
    }
    *out_wish =
        (struct wish){ .mode = on_error && strcmp(on_error, "skip") == 0 ? INTAKE_SKIP_BAD : INTAKE_ALL_OR_NOTHING,
            .is_async = prefers_async(exchange),
            .idempotency_key = key,
            .codec = codec };
    return true;
}

static void write_faults(struct json_writer *writer, const struct intake_result *result)
{
    json_key(writer, "rejected");
    json_begin_array(writer);
    for (size_t i = 0; i < result->fault_count; i++) {
        const struct intake_fault *fault = &result->faults[i];
        json_begin_object(writer);
        json_put_int(writer, "index", (int64_t)fault->index);
        json_put_text(writer, "field", fault->field);
        json_put_text(writer, "code", fault->reason_code);
        json_put_text(writer, "reason", fault->detail);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* Where to ask what becomes of it. */
static void put_ticket(struct exchange *exchange, struct json_writer *writer, const struct intake_result *result)
{
    char id[BATCH_TICKET_SIZE], location[BATCH_TICKET_SIZE + 32];
    const struct batch_ticket ticket = {
        .sequence = result->stream_sequence, .accepted = result->accepted, .refused = result->refused
    };
    if (result->is_committed || result->stream_sequence == 0)
        return;
    batch_ticket_format(id, &ticket);
    snprintf(location, sizeof location, "/api/v1/batch/%s", id);
    http_respond_header(exchange->request, "Location", location);
    json_put_text(writer, "id", id);
}

static void answer_taken(struct exchange *exchange, const struct intake_result *result)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "batch_id", result->batch_id);
    put_ticket(exchange, &writer, result);
    json_put_text(&writer, "status", result->is_committed ? "committed" : "accepted");
    json_put_int(&writer, "received", result->received);
    json_put_int(&writer, "accepted", result->accepted);
    if (result->is_committed) {
        json_put_int(&writer, "stored", result->stored);
        json_put_int(&writer, "duplicate", result->duplicate);
    }
    json_put_int(&writer, "refused", result->refused);
    if (result->fault_count > 0)
        write_faults(&writer, result);
    json_end_object(&writer);
    exchange_json(exchange, result->is_committed ? exchange->route->success : 202, &json);
}

static void answer_refused(struct exchange *exchange, const struct intake_result *result)
{
    struct problem_field *fields = arena_alloc_array(exchange->arena, result->fault_count, sizeof *fields);
    char detail[160];
    if (!fields) {
        exchange_problem(exchange, 422, "bad-readings", "Some readings are wrong; nothing was stored.");
        return;
    }
    for (size_t i = 0; i < result->fault_count; i++)
        fields[i] = (struct problem_field){ .field = result->faults[i].field,
            .code = result->faults[i].reason_code,
            .reason = result->faults[i].detail,
            .index = (int64_t)result->faults[i].index };
    snprintf(detail, sizeof detail, "%lld of %lld readings are wrong; nothing was stored.%s",
        (long long)result->refused, (long long)result->received,
        (size_t)result->refused > result->fault_count ? " The first of them are in errors." : "");
    exchange_problem_fields(exchange, 422, "bad-readings", detail, fields, result->fault_count);
}

/* One record a call, with its counts, and before the answer: whoever hears of a success can find it in the audit
 * (docs/adr/0021-audit-of-those-without-a-database.md). */
static void record_batch(struct exchange *exchange, const struct intake_result *result, bool ok)
{
    char detail[200];
    snprintf(detail, sizeof detail,
        "{\"received\":%lld,\"accepted\":%lld,\"stored\":%lld,\"duplicate\":%lld,\"refused\":%lld,\"committed\":%s}",
        (long long)result->received, (long long)result->accepted, (long long)result->stored,
        (long long)result->duplicate, (long long)result->refused, result->is_committed ? "true" : "false");
    const struct audit_event event = { .action = "readings.batch",
        .entity = "batch",
        .entity_id = result->batch_id,
        .outcome = ok                        ? "ok"
                   : result->fault_count > 0 ? "refused"
                                             : "failed",
        .detail = detail };
    if (ok)
        audit_trail_publish(exchange->app->trail, &exchange->caller, &event, AUDIT_PUBLISH_MS);
    else
        audit_trail_put(exchange->app->trail, &exchange->caller, &event);
}

static void take(struct exchange *exchange, const char *body, size_t size, const struct wish *wish)
{
    struct raw_readings readings = { 0 };
    struct intake_result result = { 0 };
    struct err err = { 0 };
    int64_t received_at = clock_now_us();
    if (!wish->codec->decode(&readings, exchange->arena, body, size, received_at, &err)) {
        exchange_problem(exchange, err.kind == ERR_LIMIT ? 413 : 400,
            err.kind == ERR_LIMIT ? "too-many-readings" : wish->codec->fault, err.text);
        return;
    }
    const struct intake_request request = { .caller = &exchange->caller,
        .protocol = "api",
        .content_type = wish->codec->media_type,
        .idempotency_key = wish->idempotency_key,
        .body = body,
        .body_size = size,
        .received_at = received_at,
        .mode = wish->mode,
        .commit_wait_ms = wish->is_async ? 0 : exchange->app->config.commit_wait_ms };
    int64_t charged = (int64_t)readings.count;
    if (!audit_trail_has_room(exchange->app->trail)) {
        exchange_problem(
            exchange, 503, "busy", "What is done cannot be recorded for a moment; nothing was taken. Try again.");
        return;
    }
    if (!limit_admit_readings(exchange, charged))
        return;
    bool ok = intake_take(exchange->app->intake, &request, &readings, exchange->arena, &result, &err);
    int64_t taken = ok                         ? result.is_committed ? result.stored : result.accepted
                    : err.kind == ERR_DEADLINE ? charged /* perhaps */
                                               : 0;
    tenant_quota_settle(exchange->app->quotas, exchange->caller.tenant_id, charged, taken, ok && result.is_committed);
    record_batch(exchange, &result, ok);
    if (ok)
        answer_taken(exchange, &result);
    else if (err.kind == ERR_INPUT && result.fault_count > 0)
        answer_refused(exchange, &result);
    else if (err.kind == ERR_LIMIT)
        exchange_problem(
            exchange, 503, "full", "Readings come in faster than they can be stored; nothing was taken. Try again.");
    else if (err.kind == ERR_DEADLINE)
        exchange_problem(exchange, 503, "not-known",
            "It is not known whether the batch was taken; send the same again, readings that are there count as "
            "duplicate.");
    else
        exchange_fail(exchange, &err);
}

void post_batch_readings(struct exchange *exchange)
{
    struct wish wish;
    const char *body;
    size_t size;
    if (read_wish(exchange, &wish) && exchange_body(exchange, &body, &size))
        take(exchange, body, size, &wish);
}

void post_reading(struct exchange *exchange)
{
    post_batch_readings(exchange);
}
