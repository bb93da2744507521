#include "base/clock.h"
#include "line.h"
#include "metrics/metrics.h"
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void front_metrics(struct app *app)
{
    static const struct {
        enum message_type type;
        const char *label;
    } counted[] = {
        { MESSAGE_HELLO, "type=\"hello\"" },
        { MESSAGE_AUTH, "type=\"auth\"" },
        { MESSAGE_DATA, "type=\"data\"" },
        { MESSAGE_PING, "type=\"ping\"" },
        { MESSAGE_TIME, "type=\"time\"" },
        { MESSAGE_COMMAND_REPLY, "type=\"command_reply\"" },
        { MESSAGE_BYE, "type=\"bye\"" },
    };
    app->sessions = metrics_gauge("nwims_tcp_sessions", NULL, "Devices that are logged in");
    app->held = metrics_gauge("nwims_ingest_held_readings", NULL, ""); /* the gathers' */
    app->records = metrics_counter("nwims_tcp_records_total", NULL, "Records taken");
    app->repeated = metrics_counter(
        "nwims_tcp_records_repeated_total", NULL, "Records that were stored or under way already: acknowledged again");
    for (size_t i = 0; i < COUNT_OF(counted); i++)
        app->messages[counted[i].type] =
            metrics_counter("nwims_tcp_messages_total", counted[i].label, "Messages received, by type");
}

/* ---- messages ---- */
static bool take_open(struct session *session, const struct incoming *message)
{
    switch (message->type) {
    case MESSAGE_DATA:
        return records_take(session, message);
    case MESSAGE_PING:
        session_send(session, &(struct outgoing){ .type = MESSAGE_PONG, .sequence = message->sequence });
        return true;
    case MESSAGE_TIME:
        session_send(session, &(struct outgoing){ .type = MESSAGE_TIME, .time_us = clock_now_us() });
        return true;
    case MESSAGE_COMMAND_REPLY:
        command_replied(session, message);
        return true;
    case MESSAGE_BYE:
        session->why_ended = "client";
        session->state = SESSION_OVER;
        net_close(session->connection);
        return true;
    default:
        session_refuse(session, COMPLAINT_PROTOCOL, BYE_PROTOCOL, "the device is logged in already");
        return true;
    }
}

static bool take_message(struct session *session, const struct incoming *message)
{
    bool is_taken = true;
    if (session->state == SESSION_OPEN)
        is_taken = take_open(session, message);
    else if (session->state == SESSION_NEW && message->type == MESSAGE_HELLO)
        login_hello(session, &message->hello);
    else if (session->state == SESSION_CHALLENGED && message->type == MESSAGE_AUTH)
        login_auth(session, &message->mac);
    else
        session_refuse(session, COMPLAINT_PROTOCOL, BYE_PROTOCOL,
            session->state == SESSION_NEW ? "the first message is no HELLO" : "the challenge was not answered");
    if (is_taken)
        metric_add(session->loop->app->messages[message->type], 1);
    return is_taken;
}

static void refuse_fault(struct session *session, const struct fault *fault)
{
    enum complaint complaint = fault->code == BYE_TOO_LARGE  ? COMPLAINT_TOO_LARGE
                               : fault->code == BYE_VERSION  ? COMPLAINT_VERSION
                               : fault->code == BYE_PROTOCOL ? COMPLAINT_PROTOCOL
                                                             : COMPLAINT_MALFORMED;
    session_refuse(session, complaint, fault->code, fault->problem);
}

static bool may_go_on(const struct session *session)
{
    return (session->state == SESSION_NEW || session->state == SESSION_CHALLENGED || session->state == SESSION_OPEN) &&
           !session->is_busy && !session->is_window_full && session->resume_at_us == 0;
}

static enum reading_outcome read_message(struct session *session, const unsigned char *bytes, size_t size,
    struct incoming *message, size_t *out_taken, struct fault *fault)
{
    size_t most = (size_t)session->loop->app->config.frame_max_bytes;
    if (!session->is_line)
        return nwt_read(&session->guard, bytes, size, most, message, out_taken, fault);
    arena_reset(&session->loop->arena);
    return line_read(&session->loop->arena, (const char *)bytes, size, most, message, out_taken, fault);
}

/* ---- what libs/net calls ---- */
static bool on_opened(void *context, struct net_connection *connection)
{
    struct app *app = context;
    struct front_loop *loop = &app->loops[net_loop_of(connection)];
    struct session *session = session_new(loop, connection, app->is_line[net_listener_of(connection)]);
    if (!session)
        return false;
    net_set_state(connection, session);
    return true;
}

static size_t on_received(void *context, struct net_connection *connection, const unsigned char *bytes, size_t size)
{
    struct session *session = net_state(connection);
    struct incoming message;
    struct fault fault;
    size_t taken = 0, one = 0;
    (void)context;
    session->heard_at_us = clock_monotonic_us();
    while (taken < size && may_go_on(session)) {
        uint64_t counted = session->guard.received;
        enum reading_outcome outcome = read_message(session, bytes + taken, size - taken, &message, &one, &fault);
        if (outcome == READ_BAD)
            refuse_fault(session, &fault);
        if (outcome != READ_MESSAGE)
            break;
        if (!take_message(session, &message)) {
            session->guard.received = counted; /* it is read once more */
            break;
        }
        taken += one;
    }
    if (session->state == SESSION_OPEN && session->resume_at_us == 0)
        session_arm_timer(session);
    return session->state == SESSION_OVER ? size : taken;
}

static void resume_by_time(struct session *session)
{
    if (session->retry)
        records_again(session);
    else
        session_resume(session);
}

static void on_timed_out(void *context, struct net_connection *connection)
{
    struct session *session = net_state(connection);
    int64_t now_us = clock_monotonic_us();
    (void)context;
    if (session->tell_gaps_at_us > 0 && session->tell_gaps_at_us <= now_us) {
        session->tell_gaps_at_us = 0;
        position_tell_gaps(session->position);
    }
    if (session->device.expires_at > 0 && session->device.expires_at <= clock_now_us()) {
        session->why_ended = "revoked";
        session_refuse(session, COMPLAINT_REVOKED, BYE_REVOKED, "the credential has expired");
    } else if (session->recheck_at_us > 0 && session->recheck_at_us <= now_us) {
        session->recheck_at_us = 0;
        login_check_again(session);
        session_arm_timer(session);
    } else if (session->resume_at_us > 0 && session->resume_at_us <= now_us) {
        resume_by_time(session);
    } else if (session->is_busy || session->is_window_full || session->resume_at_us > 0) {
        session->heard_at_us = now_us; /* we do not read: nothing that it sends can be heard */
        session_arm_timer(session);
    } else if (session->keep_alive_ms > 0 && now_us >= session->heard_at_us + session->keep_alive_ms * 1500) {
        session->why_ended = "keep-alive";
        session_refuse(session, COMPLAINT_IDLE, BYE_IDLE, "nothing within the keep-alive time");
    } else {
        session_arm_timer(session);
    }
}

static void on_draining(void *context, struct net_connection *connection)
{
    struct session *session = net_state(connection);
    (void)context;
    if (session->state == SESSION_OPEN) {
        session->state = SESSION_LEAVING;
        session->why_ended = "drain";
        net_pause(connection);
        session_leave_if_done(session);
    } else {
        session_end(session, BYE_GOING, "we stop: connect again", "drain");
    }
}

static void on_closed(void *context, struct net_connection *connection, enum net_end how)
{
    struct app *app = context;
    struct session *session = net_state(connection);
    (void)how;
    if (session->is_in_roster) {
        roster_leave(app->roster, &session->entry);
        metric_shift(app->sessions, -1);
        session_tell_presence(session, "disconnected");
    }
    session_free(session);
}

static int64_t on_turned(void *context, int index)
{
    struct app *app = context;
    struct front_loop *loop = &app->loops[index];
    return loop->gather ? gather_turn(loop->gather) : -1;
}

const struct net_protocol front_protocol = { .opened = on_opened,
    .received = on_received,
    .timed_out = on_timed_out,
    .draining = on_draining,
    .closed = on_closed,
    .turned = on_turned };

/* ---- what the gather says ---- */
void front_wake(void *context)
{
    struct front_loop *loop = context;
    net_wake(loop->app->server, loop->index);
}

/* A ticket's words: the device's position, the number of the frame. */
void front_settled(void *context, const struct gather_ticket *tickets, size_t count, const struct err *err)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct position *position = (struct position *)(uintptr_t)tickets[i].words[0];
        if (err) /* ours to mend; the device keeps its records and sends them again */
            position_abandon(position);
        else
            position_settle(position, tickets[i].words[1]);
    }
}

/* ---- a credential or device changed ---- */
struct recheck {
    struct net_mail mail;
};

static void on_recheck(void *context, struct net_connection *connection, struct net_mail *mail)
{
    (void)context;
    if (connection)
        login_check_again(net_state(connection));
    free((struct recheck *)(void *)mail);
}

static void post_recheck(void *context, const struct net_handle *handle)
{
    struct app *app = context;
    struct recheck *recheck = calloc(1, sizeof *recheck);
    if (!recheck)
        return;
    recheck->mail = (struct net_mail){ .to = *handle, .handler = on_recheck };
    net_post(app->server, &recheck->mail);
}

void front_recheck(void *context, const char *device_id, const char *credential_id)
{
    struct app *app = context;
    if (app->poller && !credential_id)
        poller_refresh(app->poller);
    roster_each(app->roster, device_id, credential_id, post_recheck, app);
}
