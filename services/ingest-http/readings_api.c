#include "base/clock.h"
#include "base/json_writer.h"
#include "http/problem.h"
#include "ingest/codec.h"
#include "ingest_http.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The codecs by content type. */
static bool decode_json(struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size,
    int64_t received_at_us, struct err *err)
{
    (void)received_at_us;
    return codec_json_decode(out_readings, arena, body, size, err);
}
static const struct {
    const char *type;
    bool (*decode)(struct raw_readings *, struct arena *, const char *, size_t, int64_t, struct err *);
} codecs[] = { { "application/json", decode_json }, { "application/senml+json", codec_senml_json_decode } };

/* How many codecs there are if none fits. */
static size_t find_codec(const struct http_request *request)
{
    const char *type = http_request_header(request, "Content-Type");
    if (!type)
        type = codecs[0].type;
    size_t length = strcspn(type, "; \t"), i = 0;
    while (i < COUNT_OF(codecs) && (strlen(codecs[i].type) != length || strncasecmp(type, codecs[i].type, length) != 0))
        i++;
    return i;
}

static bool read_body(const struct app *app, struct http_request *request, const char **out_body, size_t *out_size)
{
    struct err err = { 0 };
    char detail[96];
    if (http_request_body(request, (size_t)app->config.body_max_bytes, out_body, out_size, &err))
        return true;
    snprintf(detail, sizeof detail, "The body is larger than %lld bytes; send it in parts.",
        (long long)app->config.body_max_bytes);
    http_problem(request,
        err.kind == ERR_LIMIT      ? 413
        : err.kind == ERR_DEADLINE ? 408
                                   : 400,
        NULL, err.kind == ERR_LIMIT ? detail : err.text);
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
    if (result->fault_count > 0)
        write_rejected(&writer, result);
    json_end_object(&writer);
    http_respond(request, 202, "application/json", json.data, json.size);
}

static void answer_refused(struct http_request *request, const struct intake_result *result)
{
    struct problem_field *fields = arena_alloc_array(http_request_arena(request), result->fault_count, sizeof *fields);
    struct problem problem = { .status = 422,
        .type = "bad-readings",
        .detail = "None of the readings could be taken; they were kept for whoever looks after this device." };
    for (size_t i = 0; fields && i < result->fault_count; i++)
        fields[i] = (struct problem_field){ .field = result->faults[i].field,
            .code = result->faults[i].reason_code,
            .reason = result->faults[i].detail,
            .index = (int64_t)result->faults[i].index };
    problem.fields = fields;
    problem.field_count = fields ? result->fault_count : 0;
    problem_respond(request, &problem);
}

static struct rpc_caller caller_of(const struct http_request *request, const struct directory_device *device)
{
    struct rpc_caller caller = { .tenant_id = device->tenant_id };
    snprintf(caller.actor, sizeof caller.actor, "device:%s", device->device_id);
    snprintf(caller.peer, sizeof caller.peer, "%s", http_request_peer(request));
    trace_begin(&caller.trace, http_request_header(request, "traceparent"));
    return caller;
}

void readings_take(struct app *app, struct http_request *request, const struct directory_device *device)
{
    struct raw_readings readings = { 0 };
    struct intake_result result = { 0 };
    struct err err = { 0 };
    struct arena *arena = http_request_arena(request);
    const char *body, *encoding = http_request_header(request, "Content-Encoding");
    size_t size, codec = find_codec(request);
    if (codec == COUNT_OF(codecs) || (encoding && strcasecmp(encoding, "identity") != 0)) {
        http_problem(request, 415, NULL, "Send application/json or application/senml+json, not compressed.");
        return;
    }
    if (!read_body(app, request, &body, &size))
        return;
    const struct rpc_caller caller = caller_of(request, device);
    if (!codecs[codec].decode(&readings, arena, body, size, clock_now_us(), &err)) {
        http_problem(request, err.kind == ERR_LIMIT ? 413 : 400, NULL, err.text);
        return;
    }
    const struct intake_request take = { .caller = &caller,
        .protocol = "http",
        .device_id = device->device_id,
        .content_type = codecs[codec].type,
        .idempotency_key = http_request_header(request, "Idempotency-Key"),
        .body = body,
        .body_size = size,
        .mode = INTAKE_SKIP_BAD };
    if (!intake_take(app->intake, &take, &readings, arena, &result, &err)) {
        if (err.kind == ERR_INPUT && result.fault_count > 0)
            answer_refused(request, &result);
        else
            device_fail(request, &err);
    } else if (result.accepted == 0 && result.refused > 0) {
        answer_refused(request, &result);
    } else {
        answer(request, &result);
    }
}
