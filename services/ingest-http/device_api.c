#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/time_text.h"
#include "base/uuid.h"
#include "http/problem.h"
#include "ingest_http.h"
#include "service/audit_trail.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FULL "Readings come in faster than they can be stored; nothing was taken. Keep them and send them again."
#define AWAY "A part of the system is away for a moment; keep the readings and send them again."
#define NOT_KNOWN "It is not known whether all was taken; send the same again, what is there already does no harm."
#define NO_TOKEN                                                                                                       \
    "Send \"Authorization: Bearer <device token>\"; POST /api/v1/devices/{id}/credentials makes one; or show a "       \
    "certificate."

/* 1 to 8 seconds, so that devices that were turned away together do not come back together. */
static int64_t retry_after_s(void)
{
    unsigned char chance;
    random_bytes(&chance, sizeof chance);
    return 1 + (chance & 7);
}

void device_turn_away(struct http_request *request, int status, const char *type, const char *detail)
{
    const struct problem problem = {
        .status = status, .type = type, .detail = detail, .retry_after_s = retry_after_s()
    };
    problem_respond(request, &problem);
}

void device_fail(struct http_request *request, const struct err *err)
{
    int status = problem_status_of(err->kind);
    if (err->kind == ERR_LIMIT) {
        device_turn_away(request, 429, "full", FULL);
    } else if (err->kind == ERR_TRANSIENT) {
        device_turn_away(request, 503, NULL, AWAY);
    } else if (err->kind == ERR_DEADLINE) {
        device_turn_away(request, 503, "not-known", NOT_KNOWN);
    } else if (status >= 500) {
        log_error(NULL, "request.failed", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
        http_problem(request, status, NULL, "This is our fault and was logged.");
    } else {
        http_problem(request, status, NULL, err->text);
    }
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

/* Who the device says it is: a token, or the certificate that the proxy has verified. */
struct proof {
    const char *token;
    const char *certificate; /* where there is no token */
};

static bool is_known(struct app *app, const struct proof *proof, struct directory_device *out_device)
{
    return proof->token ? directory_device_known(app->directory, proof->token, out_device)
                        : directory_named_known(app->directory, "x509", proof->certificate, out_device);
}

static bool find(struct app *app, const struct proof *proof, struct directory_device *out_device, struct arena *arena,
    struct err *err)
{
    return proof->token ? directory_device(app->directory, proof->token, out_device, arena, err)
                        : directory_named(app->directory, "x509", proof->certificate, out_device, arena, err);
}

/* False when it answered. */
static bool authenticate(struct app *app, struct http_request *request, struct directory_device *out_device)
{
    struct err err = { 0 };
    struct proof proof = { .token = device_token(request), .certificate = http_request_certificate(request) };
    const char *peer = http_request_peer(request);
    if (proof.token ? !*proof.token : !proof.certificate) {
        http_problem(request, 401, NULL, NO_TOKEN);
        return false;
    }
    /* Many devices may share an address: those that are known are not shut out by one that guesses. */
    if (!failure_gate_is_open(app->failures, peer, clock_monotonic_us())) {
        if (is_known(app, &proof, out_device))
            return true;
        device_turn_away(
            request, 429, "too-many-failures", "Too many wrong tokens came from this address; wait a minute.");
        return false;
    }
    if (find(app, &proof, out_device, http_request_arena(request), &err))
        return true;
    if (err.kind == ERR_UNAUTHENTICATED) {
        failure_gate_count(app->failures, peer, clock_monotonic_us());
        audit_trail_device_refused(
            app->trail, &(struct audit_device){ .protocol = "http", .reason = "credentials", .peer = peer });
    }
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
