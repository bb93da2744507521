/* InfluxDB's write API, 1.x (/write) and 2.x (/api/v2/write): line protocol in, 204 out, errors in its own form. The
 * database, bucket and organisation that a client names are not ours; the token says whose the readings are. */
#include "base/json_writer.h"
#include "ingest/kept_body.h"
#include "ingest_http.h"
#include <inttypes.h>
#include <stdio.h>

static const char *code_of(int status)
{
    switch (status) {
    case 401:
        return "unauthorized";
    case 413:
        return "request too large";
    case 429:
        return "too many requests";
    case 503:
        return "unavailable";
    default:
        return status >= 500 ? "internal error" : "invalid";
    }
}

/* "error" is what 1.x clients look for, "code" and "message" what those of 2.x do. */
static void answer_problem(struct http_request *request, const struct problem *problem)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    char seconds[24];
    const char *detail = problem->detail ? problem->detail : http_status_text(problem->status);
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "code", code_of(problem->status));
    json_put_text(&writer, "message", detail);
    json_put_text(&writer, "error", detail);
    json_end_object(&writer);
    if (problem->retry_after_s > 0) {
        snprintf(seconds, sizeof seconds, "%" PRId64, problem->retry_after_s);
        http_respond_header(request, "Retry-After", seconds);
    }
    http_respond(request, problem->status, "application/json", json.data, json.size);
}

static bool prepare(struct delivery *delivery)
{
    const char *precision = http_request_query_value(delivery->request, "precision");
    if (!precision)
        precision = "ns";
    delivery->content_type =
        arena_printf(http_request_arena(delivery->request), KEPT_BODY_LINES "; precision=%.2s", precision);
    if (codec_influx_unit(precision, &delivery->time_unit_ns))
        return true;
    door_problem(delivery, 400, NULL, "precision is one of ns, us, ms, s (and n, u, m, h)");
    return false;
}

static bool decode(const struct delivery *delivery, struct raw_readings *out_readings, struct err *err)
{
    return codec_influx_decode(out_readings, http_request_arena(delivery->request), delivery->body, delivery->size,
        delivery->time_unit_ns, err);
}

/* As InfluxDB does it: what is good is stored, and 400 says that not all was; a client does not send it again. */
static void answer_partly(const struct delivery *delivery, const struct intake_result *result)
{
    char detail[400];
    snprintf(detail, sizeof detail, "partial write: %s (%s) dropped=%" PRId64 " stored=%" PRId64,
        result->faults[0].detail, result->faults[0].reason_code, result->refused, result->accepted);
    door_problem(delivery, 400, NULL, detail);
}

static void taken(const struct delivery *delivery, const struct intake_result *result)
{
    if (result->refused > 0)
        answer_partly(delivery, result);
    else
        http_respond(delivery->request, 204, NULL, NULL, 0);
}

const struct door influx_door = {
    .problem = answer_problem, .prepare = prepare, .decode = decode, .taken = taken, .none_taken = answer_partly
};
