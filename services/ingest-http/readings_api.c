/* Our own API: /ingest/v1/readings and /ingest/v1/batch. */
#include "base/json_writer.h"
#include "ingest/device_body.h"
#include "ingest_http.h"

#define NONE_TAKEN "None of the readings could be taken; they were kept for whoever looks after this device."

static bool prepare(struct delivery *delivery)
{
    delivery->content_type = device_body_type(http_request_header(delivery->request, "Content-Type"));
    if (delivery->content_type)
        return true;
    door_problem(delivery, 415, NULL, "Send " DEVICE_BODY_TYPES ", as it is or as gzip.");
    return false;
}

static bool decode(const struct delivery *delivery, struct raw_readings *out_readings, struct err *err)
{
    const struct device_body body = { .device = &delivery->device,
        .content_type = delivery->content_type,
        .bytes = delivery->body,
        .size = delivery->size,
        .received_at = delivery->received_at };
    return device_body_decode(
        out_readings, http_request_arena(delivery->request), delivery->app->directory, &body, err);
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

static void taken(const struct delivery *delivery, const struct intake_result *result)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "batch_id", result->batch_id);
    json_put_int(&writer, "accepted", result->accepted);
    json_put_int(&writer, "refused", result->refused);
    if (result->is_repeat) {
        json_key(&writer, "duplicate");
        json_bool(&writer, true);
    }
    write_rejected(&writer, result);
    commands_put(delivery, &writer, false);
    json_end_object(&writer);
    if (buffer_ok(&json))
        http_respond(delivery->request, result->is_repeat ? 200 : 202, "application/json", json.data, json.size);
    else
        http_problem(
            delivery->request, 500, NULL, "The readings were taken, but there was no memory left for the answer.");
}

static void none_taken(const struct delivery *delivery, const struct intake_result *result)
{
    struct problem_field *fields =
        arena_alloc_array(http_request_arena(delivery->request), result->fault_count, sizeof *fields);
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
    problem_respond(delivery->request, &problem);
}

const struct door readings_door = {
    .problem = problem_respond, .prepare = prepare, .decode = decode, .taken = taken, .none_taken = none_taken
};
