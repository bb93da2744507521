#include "base/clock.h"
#include "formats.h"
#include "metrics/metrics.h"
#include "records_job.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { FULL_WAIT_MS = 100, RETRY_WAIT_MS = 500, SEEN_EVERY_MS = 60000 };

/* ---- telling how far we are ---- */
static uint32_t credit_of(const struct session *session, const struct position_state *state)
{
    uint32_t window = (uint32_t)session->loop->app->config.window;
    return state->frames < window ? window - state->frames : 0;
}

static void acknowledge(struct session *session, const struct position_state *state)
{
    session->told = state->written;
    session_send(session,
        &(struct outgoing){ .type = MESSAGE_ACK, .sequence = state->committed, .credit = credit_of(session, state) });
}

void records_moved(struct net_connection *connection, const struct position_state *state)
{
    struct session *session = net_state(connection);
    if (session->state != SESSION_OPEN && session->state != SESSION_LEAVING)
        return;
    if (state->is_lost) {
        static const char text[] = "the device is served elsewhere, or its records could not be stored: connect again";
        session_complain(session, COMPLAINT_TAKEN_OVER, text);
        session_end(session, BYE_UNAVAILABLE, text, "taken-over");
        return;
    }
    if (state->written != session->told)
        acknowledge(session, state);
    if (session->is_window_full && credit_of(session, state) > 0) {
        session->is_window_full = false;
        session_resume(session);
    }
    if (state->has_untold_gaps && session->tell_gaps_at_us == 0) {
        session->tell_gaps_at_us = clock_monotonic_us() + POSITION_TELL_MS * INT64_C(1000);
        session_arm_timer(session);
    }
    session_leave_if_done(session);
}

/* No room here: the device is told once, and read again in a moment. */
static bool put_off(struct session *session)
{
    int64_t ms = session_about(FULL_WAIT_MS);
    if (!session->is_paused)
        session_send(session, &(struct outgoing){ .type = MESSAGE_PAUSE, .after_ms = (uint32_t)ms });
    session->is_paused = true;
    session_wait(session, ms);
    return false;
}

static void tell_resumed(struct session *session)
{
    struct position_state state;
    if (!session->is_paused)
        return;
    session->is_paused = false;
    position_look(session->position, &state);
    session_send(session, &(struct outgoing){ .type = MESSAGE_RESUME, .credit = credit_of(session, &state) });
}

/* ---- the way of those that a worker must see ---- */
static void on_done(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct records_job *job = (struct records_job *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    (void)context;
    if (session && session->state == SESSION_OVER)
        session = NULL;
    if (session)
        session->is_busy = false;
    if (session && !job->is_settled) {
        session_complain(session, COMPLAINT_UNAVAILABLE, job->err.text);
        session->retry = job;
        session_wait(session, session_about(RETRY_WAIT_MS));
        return;
    }
    if (session && job->is_refused) {
        session_complain(session, COMPLAINT_PAYLOAD, job->err.text);
        session_send(session, &(struct outgoing){ .type = MESSAGE_NACK,
                                  .sequence = job->first,
                                  .count = job->count,
                                  .code = NACK_PERMANENT,
                                  .text = job->err.text });
    }
    if (job->is_settled)
        records_job_finish(job);
    else
        records_job_abandon(job);
    if (session)
        session_resume(session);
}

void records_again(struct session *session)
{
    if (!records_job_start(session->retry)) {
        session_wait(session, session_about(RETRY_WAIT_MS));
        return;
    }
    session->retry = NULL;
    session->is_busy = true;
    session->resume_at_us = 0;
    session_arm_timer(session);
}

static bool take_slowly(struct session *session, const struct incoming *message, uint64_t number)
{
    struct records_job *job = records_job_new(session, message, on_done);
    if (!job) {
        position_take_back(session->position, number);
        return put_off(session);
    }
    job->number = number;
    if (records_job_start(job)) {
        session->is_busy = true;
        net_pause(session->connection);
    } else {
        session->retry = job;
        session_wait(session, session_about(RETRY_WAIT_MS));
    }
    return true;
}

/* ---- the usual way ---- */
static void note_readings(struct session *session, const struct raw_readings *readings)
{
    int64_t now_us = clock_monotonic_us(), newest = session->last_reading_at;
    for (size_t i = 0; i < readings->count; i++) {
        int64_t observed_at = readings->items[i].has_time ? readings->items[i].observed_at : clock_now_us();
        newest = observed_at > newest ? observed_at : newest;
    }
    session->last_reading_at = newest;
    if (now_us - session->seen_at_us >= SEEN_EVERY_MS * INT64_C(1000))
        session_tell_presence(session, "seen");
}

static bool take(struct session *session, const struct incoming *message, uint64_t first, uint64_t last)
{
    struct front_loop *loop = session->loop;
    const struct rpc_caller caller = { .tenant_id = session->device.tenant_id };
    const struct intake_request request = {
        .caller = &caller, .protocol = "tcp", .device_id = session->device.device_id, .mode = INTAKE_SKIP_BAD
    };
    const struct device_body body = { .device = &session->device,
        .bytes = message->data.body.bytes,
        .size = message->data.body.length,
        .received_at = clock_now_us(),
        .from_memory = true };
    struct raw_readings readings = { 0 };
    struct err err = { 0 };
    uint64_t number;
    if (!loop->gather || !gather_has_room(loop->gather) ||
        !position_put(session->position, &session->handle, first, last, &number))
        return put_off(session);
    const struct gather_ticket ticket = { { (uintptr_t)session->position, number, 0 } };
    arena_reset(&loop->arena);
    if (!format_decode(message->data.format, &readings, &loop->arena, loop->app->directory, body, &err))
        return take_slowly(session, message, number);
    switch (gather_put(loop->gather, &request, &readings, &ticket, &loop->arena)) {
    case GATHER_TAKEN:
        note_readings(session, &readings);
        return true;
    case GATHER_FULL:
        position_take_back(session->position, number);
        return put_off(session);
    case GATHER_DIFFICULT:
        break;
    }
    return take_slowly(session, message, number);
}

static void note_gap(struct session *session, uint64_t missing)
{
    char problem[96];
    snprintf(problem, sizeof problem, "%" PRIu64 " records are missing between what came", missing);
    session_complain(session, COMPLAINT_MISSING, problem);
}

/* Already here, whole: it is said again, or will be said when it is stored. */
static bool is_repeated(struct session *session, const struct position_state *state, uint64_t first, uint64_t last)
{
    if (last > state->received || position_may_lack(session->position, first, last))
        return false;
    if (last <= state->committed)
        acknowledge(session, state);
    return true;
}

bool records_take(struct session *session, const struct incoming *message)
{
    struct app *app = session->loop->app;
    struct position_state state;
    uint64_t first = message->sequence, count = message->data.count, last = first + count - 1;
    if (first == 0 || count == 0 || count > MOST_RECORDS || last < first) {
        session_refuse(
            session, COMPLAINT_MALFORMED, BYE_MALFORMED, "DATA has a first record from 1 on, and 1 to 100,000 of them");
        return true;
    }
    position_look(session->position, &state);
    if (is_repeated(session, &state, first, last)) {
        metric_add(app->repeated, count);
        return true;
    }
    if (credit_of(session, &state) == 0) {
        session->is_window_full = true;
        net_pause(session->connection);
        return false;
    }
    if (!take(session, message, first, last))
        return false;
    tell_resumed(session);
    metric_add(app->records, count);
    if (first > state.received + 1)
        note_gap(session, first - state.received - 1);
    return true;
}
