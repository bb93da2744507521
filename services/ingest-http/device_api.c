#include "base/clock.h"
#include "base/json_writer.h"
#include "base/time_text.h"
#include "http/problem.h"
#include "ingest_http.h"
#include <string.h>
#include <strings.h>

enum { TOKEN_LONGEST = 256 };

void device_fail(struct http_request *request, const struct err *err)
{
    const struct problem problem = { .status = problem_status_of(err->kind),
        .detail = problem_status_of(err->kind) < 500
                      ? err->text
                      : "A part of the system is away for a moment; keep the readings and send them again.",
        .retry_after_s = err->kind == ERR_LIMIT || err->kind == ERR_TRANSIENT || err->kind == ERR_DEADLINE ? 5 : 0 };
    problem_respond(request, &problem);
}

static const char *device_token(const struct http_request *request)
{
    static const char *const schemes[] = { "Bearer ", "Device " };
    const char *header = http_request_header(request, "Authorization");
    for (size_t i = 0; header && i < COUNT_OF(schemes); i++)
        if (strncasecmp(header, schemes[i], strlen(schemes[i])) == 0)
            return header + strlen(schemes[i]);
    return NULL;
}

/* False when it answered. */
static bool authenticate(struct app *app, struct http_request *request, struct directory_device *out_device)
{
    struct err err = { 0 };
    const char *token = device_token(request), *peer = http_request_peer(request);
    if (!token || !*token) {
        http_problem(request, 401, NULL,
            "Send \"Authorization: Bearer <device token>\"; POST /api/v1/devices/{id}/credentials makes one.");
        return false;
    }
    if (!failure_gate_is_open(app->failures, peer, clock_monotonic_us())) {
        err_set(&err, ERR_LIMIT, "Too many wrong tokens from this address; wait a minute.");
        device_fail(request, &err);
        return false;
    }
    if (strlen(token) <= TOKEN_LONGEST &&
        directory_device(app->directory, token, out_device, http_request_arena(request), &err))
        return true;
    if (err.kind == ERR_NONE)
        err_set(&err, ERR_UNAUTHENTICATED, "This token is too long to be one of ours.");
    if (err.kind == ERR_UNAUTHENTICATED)
        failure_gate_count(app->failures, peer, clock_monotonic_us());
    device_fail(request, &err);
    return false;
}

/* For devices without a clock of their own. */
static void answer_time(struct http_request *request)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    char text[TIME_TEXT_SIZE];
    int64_t now_us = clock_now_us();
    time_text_format(text, now_us);
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "time", text);
    json_put_int(&writer, "unix_ms", now_us / 1000);
    json_end_object(&writer);
    http_respond(request, 200, "application/json", json.data, json.size);
}

void device_handle(void *context, struct http_request *request)
{
    struct app *app = context;
    struct directory_device device;
    const char *path = http_request_path(request), *method = http_request_method(request);
    bool is_readings = strcmp(path, "/ingest/v1/readings") == 0 || strcmp(path, "/ingest/v1/batch") == 0;
    bool is_time = strcmp(path, "/time") == 0;
    if (!is_readings && !is_time) {
        http_problem(request, 404, NULL, "Devices post to /ingest/v1/readings; /time tells the time.");
    } else if (strcmp(method, is_time ? "GET" : "POST") != 0) {
        http_respond_header(request, "Allow", is_time ? "GET" : "POST");
        http_problem(request, 405, NULL, "This path takes another method: see the Allow header.");
    } else if (is_time) {
        answer_time(request);
    } else if (authenticate(app, request, &device)) {
        readings_take(app, request, &device);
    }
}
