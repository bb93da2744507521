#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "front/presence.h"
#include "ingest_http.h"
#include <stdio.h>
#include <string.h>

#define BUSY "Too many large requests are under way; send the readings again in a moment."
#define FULL "Readings come in faster than they can be stored; nothing was taken. Keep them and send them again."
#define AWAY "A part of the system is away for a moment; keep the readings and send them again."
#define NOT_KNOWN "It is not known whether all was taken; send the same again, what is there already does no harm."
#define UNDER_WAY "A request with this Idempotency-Key is under way; ask again in a moment what became of it."
#define OTHER_BODY "This Idempotency-Key came with another body before: a key is for one request only."

/* ---- answers ---- */
/* 1 to 8 seconds, so that devices that were turned away together do not come back together. */
static int64_t retry_after_s(void)
{
    unsigned char chance;
    random_bytes(&chance, sizeof chance);
    return 1 + (chance & 7);
}

void door_problem(const struct delivery *delivery, int status, const char *type, const char *detail)
{
    const struct problem problem = { .status = status, .type = type, .detail = detail };
    delivery->door->problem(delivery->request, &problem);
}

void door_turn_away(const struct delivery *delivery, int status, const char *type, const char *detail)
{
    const struct problem problem = {
        .status = status, .type = type, .detail = detail, .retry_after_s = retry_after_s()
    };
    delivery->door->problem(delivery->request, &problem);
}

void door_fail(const struct delivery *delivery, const struct err *err)
{
    int status = problem_status_of(err->kind);
    if (err->kind == ERR_LIMIT) {
        door_turn_away(delivery, 429, "full", FULL);
    } else if (err->kind == ERR_TRANSIENT) {
        door_turn_away(delivery, 503, NULL, AWAY);
    } else if (err->kind == ERR_DEADLINE) {
        door_turn_away(delivery, 503, "not-known", NOT_KNOWN);
    } else if (status >= 500) {
        log_error(NULL, "request.failed", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
        door_problem(delivery, status, NULL, "This is our fault and was logged.");
    } else {
        door_problem(delivery, status, NULL, err->text);
    }
}

static int64_t most_bytes(const struct delivery *delivery)
{
    return delivery->door->most_bytes > 0 ? delivery->door->most_bytes : delivery->app->config.body_max_bytes;
}

static void answer_too_large(const struct delivery *delivery)
{
    char detail[96];
    snprintf(detail, sizeof detail, "The body is larger than %lld bytes; send it in parts.",
        (long long)most_bytes(delivery));
    door_problem(delivery, 413, NULL, detail);
}

/* ---- the body ---- */
/* False when it answered. */
static bool read_body(struct delivery *delivery)
{
    struct err err = { 0 };
    if (http_request_body(delivery->request, (size_t)most_bytes(delivery), &delivery->body, &delivery->size, &err))
        return true;
    if (err.kind == ERR_LIMIT)
        answer_too_large(delivery);
    else
        door_problem(delivery, err.kind == ERR_DEADLINE ? 408 : 400, NULL, err.text);
    return false;
}

/* Whether its readings were taken; it has answered. */
static bool take(struct delivery *delivery, const struct intake_request *wanted)
{
    struct raw_readings readings = { 0 };
    struct intake_result result = { 0 };
    struct err err = { 0 };
    struct intake *intake = delivery->app->intake;
    struct arena *arena = http_request_arena(delivery->request);
    if (!delivery->door->decode(delivery, &readings, &err)) {
        if (err.kind != ERR_INPUT && err.kind != ERR_LIMIT) {
            door_fail(delivery, &err);
            return false;
        }
        intake_refuse(intake, wanted, "malformed", err.text);
        door_problem(delivery, err.kind == ERR_LIMIT ? 413 : 400, NULL, err.text);
        return false;
    }
    if (intake_take(intake, wanted, &readings, arena, &result, &err)) {
        delivery->door->taken(delivery, &result);
        return true;
    }
    if (err.kind == ERR_INPUT && result.fault_count > 0)
        delivery->door->none_taken(delivery, &result);
    else
        door_fail(delivery, &err);
    return false;
}

static void take_once(struct delivery *delivery, const struct intake_request *wanted)
{
    struct repeat_memory *repeats = delivery->app->repeats;
    const struct repeat repeat = repeat_of(wanted->device_id, wanted->idempotency_key, wanted->body, wanted->body_size);
    switch (repeat_memory_begin(repeats, &repeat, clock_monotonic_us())) {
    case REPEAT_MAY_GO:
        repeat_memory_end(repeats, &repeat, take(delivery, wanted), clock_monotonic_us());
        break;
    case REPEAT_UNDER_WAY:
        door_turn_away(delivery, 409, "idempotency-key-in-use", UNDER_WAY);
        break;
    case REPEAT_OTHER_BODY:
        door_problem(delivery, 422, "idempotency-key-reused", OTHER_BODY);
        break;
    }
}

/* Whoever came in with a credential of its own is there, whatever it brought. */
static void tell_presence(const struct delivery *delivery, const char *peer)
{
    struct app *app = delivery->app;
    const struct presence presence = { .protocol = "http", .kind = "seen", .peer = peer, .device = &delivery->device };
    if (life_signs_is_first(app->life_signs, delivery->device.device_id, clock_now_us()))
        presence_tell(app->events, &presence);
}

static void read_and_take(struct delivery *delivery)
{
    struct http_request *request = delivery->request;
    struct rpc_caller caller = { .tenant_id = delivery->device.tenant_id };
    const char *peer = http_request_peer(request);
    if (!read_body(delivery) || !login_signature(delivery))
        return;
    snprintf(caller.actor, sizeof caller.actor, "device:%s", delivery->device.device_id);
    if (!text_is_utf8(peer, strlen(peer)) || !text_copy(caller.peer, sizeof caller.peer, peer, strlen(peer)))
        snprintf(caller.peer, sizeof caller.peer, "%s", peer);
    tell_presence(delivery, caller.peer);
    if (delivery->door->handle) {
        delivery->door->handle(delivery);
        return;
    }
    trace_begin(&caller.trace, http_request_header(request, "traceparent"));
    delivery->received_at = clock_now_us();
    const struct intake_request wanted = { .caller = &caller,
        .protocol = "http",
        .device_id = delivery->device.device_id,
        .content_type = delivery->content_type,
        .idempotency_key = http_request_header(request, "Idempotency-Key"),
        .body = delivery->body,
        .body_size = delivery->size,
        .received_at = delivery->received_at,
        .mode = INTAKE_SKIP_BAD };
    if (wanted.idempotency_key)
        take_once(delivery, &wanted);
    else
        (void)take(delivery, &wanted);
}

void delivery_take(struct delivery *delivery)
{
    struct app *app = delivery->app;
    int64_t length = http_request_content_length(delivery->request);
    if (!delivery->door->prepare(delivery))
        return;
    if (http_request_encoding(delivery->request) == HTTP_ENCODING_UNKNOWN) {
        door_problem(delivery, 415, NULL, "Send the body as it is or as gzip.");
        return;
    }
    if (length > most_bytes(delivery)) {
        answer_too_large(delivery);
        return;
    }
    size_t charge = (size_t)(length < 0 ? most_bytes(delivery) : length);
    if (!body_budget_take(&app->bodies, charge)) {
        door_turn_away(delivery, 503, "busy", BUSY);
        return;
    }
    read_and_take(delivery);
    body_budget_give_back(&app->bodies, charge);
}
