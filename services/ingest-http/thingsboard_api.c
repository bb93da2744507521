/* ThingsBoard's device API, for devices that move here: POST /api/v1/{token}/telemetry, 200 with nothing. The token is
 * in the path, as its devices have it: nothing here or in the proxy logs paths. */
#include "ingest/kept_body.h"
#include "ingest_http.h"

/* Without the path. */
static void answer_problem(struct http_request *request, const struct problem *problem)
{
    struct problem without_token = *problem;
    without_token.instance = "";
    problem_respond(request, &without_token);
}

static bool prepare(struct delivery *delivery)
{
    delivery->content_type = KEPT_BODY_THINGSBOARD;
    return true;
}

static bool decode(const struct delivery *delivery, struct raw_readings *out_readings, struct err *err)
{
    return codec_thingsboard_json_decode(
        out_readings, http_request_arena(delivery->request), delivery->body, delivery->size, err);
}

/* Its devices read no bodies: that some keys have no sensor here is no reason to send all again. */
static void taken(const struct delivery *delivery, const struct intake_result *result)
{
    (void)result;
    http_respond(delivery->request, 200, NULL, NULL, 0);
}

static void none_taken(const struct delivery *delivery, const struct intake_result *result)
{
    const struct problem_field first = { .field = result->faults[0].field,
        .code = result->faults[0].reason_code,
        .reason = result->faults[0].detail,
        .index = (int64_t)result->faults[0].index };
    const struct problem problem = { .status = 400,
        .type = "bad-readings",
        .detail = "None of the values could be taken: a sensor is found by the key.",
        .fields = &first,
        .field_count = 1 };
    answer_problem(delivery->request, &problem);
}

const struct door thingsboard_door = {
    .problem = answer_problem, .prepare = prepare, .decode = decode, .taken = taken, .none_taken = none_taken
};
