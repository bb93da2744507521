#include "base/clock.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "http/problem.h"
#include "ingest/body_codec.h"
#include "ingest_http.h"
#include <stdio.h>
#include <string.h>

#define NONE_TAKEN "None of the readings could be taken; they were kept for whoever looks after this device."
#define BUSY "Too many large requests are under way; send the readings again in a moment."

static void answer_too_large(const struct app *app, struct http_request *request)
{
    char detail[96];
    snprintf(detail, sizeof detail, "The body is larger than %lld bytes; send it in parts.",
        (long long)app->config.body_max_bytes);
    http_problem(request, 413, NULL, detail);
}

/* False when it answered. */
static bool read_body(const struct app *app, struct http_request *request, const char **out_body, size_t *out_size)
{
    struct err err = { 0 };
    if (http_request_body(request, (size_t)app->config.body_max_bytes, out_body, out_size, &err))
        return true;
    if (err.kind == ERR_LIMIT)
        answer_too_large(app, request);
    else
        http_problem(request, err.kind == ERR_DEADLINE ? 408 : 400, NULL, err.text);
    return false;
}

static void write_rejected(struct json_writer *writer, const struct intake_result *result)
{
    json_key(writer, "rejected");
    json_begin_array(writer);
    for (size_t i = 0; i < result->fault_count; i++) {
        json_begin_object(writer);
        json_put_int(writer, "index", (int64_t)result->faults[i].index);
        json_put_text(writer, "field", result->faults[i].field);
        json_put_text(writer, "reason", result->faults[i].reason_code);
        json_put_text(writer, "detail", result->faults[i].detail);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void answer(struct http_request *request, const struct intake_result *result)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "batch_id", result->batch_id);
    json_put_int(&writer, "accepted", result->accepted);
    json_put_int(&writer, "refused", result->refused);
    write_rejected(&writer, result);
    json_end_object(&writer);
    if (buffer_ok(&json))
        http_respond(request, 202, "application/json", json.data, json.size);
    else
        http_problem(request, 500, NULL, "The readings were taken, but there was no memory left for the answer.");
}

static void answer_refused(struct http_request *request, const struct intake_result *result)
{
    struct problem_field *fields = arena_alloc_array(http_request_arena(request), result->fault_count, sizeof *fields);
    for (size_t i = 0; fields && i < result->fault_count; i++)
        fields[i] = (struct problem_field){ .field = result->faults[i].field,
            .code = result->faults[i].reason_code,
            .reason = result->faults[i].detail,
            .index = (int64_t)result->faults[i].index };
    const struct problem problem = { .status = 422,
        .type = "bad-readings",
        .detail = NONE_TAKEN,
        .fields = fields,
        .field_count = fields ? result->fault_count : 0 };
    problem_respond(request, &problem);
}

static void take(
    struct app *app, struct http_request *request, const struct intake_request *wanted, const struct body_codec *codec)
{
    struct raw_readings readings = { 0 };
    struct intake_result result = { 0 };
    struct err err = { 0 };
    struct arena *arena = http_request_arena(request);
    if (!codec->decode(&readings, arena, wanted->body, wanted->body_size, clock_now_us(), &err)) {
        intake_refuse(app->intake, wanted, "malformed", err.text);
        http_problem(request, err.kind == ERR_LIMIT ? 413 : 400, NULL, err.text);
    } else if (intake_take(app->intake, wanted, &readings, arena, &result, &err)) {
        answer(request, &result);
    } else if (err.kind == ERR_INPUT && result.fault_count > 0) {
        answer_refused(request, &result);
    } else {
        device_fail(request, &err);
    }
}

static void read_and_take(struct app *app, struct http_request *request, const struct directory_device *device,
    const struct body_codec *codec)
{
    struct rpc_caller caller = { .tenant_id = device->tenant_id };
    struct intake_request wanted = { .caller = &caller,
        .protocol = "http",
        .device_id = device->device_id,
        .content_type = codec->media_type,
        .idempotency_key = http_request_header(request, "Idempotency-Key"),
        .mode = INTAKE_SKIP_BAD };
    const char *peer = http_request_peer(request);
    snprintf(caller.actor, sizeof caller.actor, "device:%s", device->device_id);
    if (!text_is_utf8(peer, strlen(peer)) || !text_copy(caller.peer, sizeof caller.peer, peer, strlen(peer)))
        snprintf(caller.peer, sizeof caller.peer, "%s", http_request_peer(request));
    trace_begin(&caller.trace, http_request_header(request, "traceparent"));
    if (read_body(app, request, &wanted.body, &wanted.body_size))
        take(app, request, &wanted, codec);
}

void readings_take(struct app *app, struct http_request *request, const struct directory_device *device)
{
    const struct body_codec *codec = body_codec_find(http_request_header(request, "Content-Type"));
    int64_t length = http_request_content_length(request);
    if (!codec || http_request_encoding(request) == HTTP_ENCODING_UNKNOWN) {
        http_problem(request, 415, NULL, "Send " BODY_CODEC_TYPES ", as it is or as gzip.");
        return;
    }
    if (length > app->config.body_max_bytes) {
        answer_too_large(app, request);
        return;
    }
    size_t charge = (size_t)(length < 0 ? app->config.body_max_bytes : length);
    if (!body_budget_take(&app->bodies, charge)) {
        device_turn_away(request, 503, "busy", BUSY);
        return;
    }
    read_and_take(app, request, device, codec);
    body_budget_give_back(&app->bodies, charge);
}
