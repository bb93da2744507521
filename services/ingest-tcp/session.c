#include "session.h"
#include "base/clock.h"
#include "front/presence.h"
#include "line.h"
#include "login.h"
#include "metrics/metrics.h"
#include "records_job.h"
#include <stdlib.h>
#include <string.h>

enum { COME_AGAIN_MS = 1000 };

struct session *session_new(struct front_loop *loop, struct net_connection *connection, bool is_line)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->loop = loop;
    session->connection = connection;
    session->handle = net_handle_of(connection);
    session->is_line = is_line;
    session->why_ended = "error";
    session->guard.in = session->guard.out = net_is_tls(connection) || is_line ? NWT_BARE : NWT_CRC;
    return session;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    if (session->retry)
        records_job_abandon(session->retry);
    if (session->position)
        position_leave(session->position);
    login_free(session->login);
    explicit_bzero(&session->guard, sizeof session->guard);
    free(session);
}

void session_peer(const struct session *session, char text[NET_PEER_SIZE])
{
    net_peer_host(session->connection, text);
}

int64_t session_about(int64_t ms)
{
    unsigned char chance;
    random_bytes(&chance, sizeof chance);
    return ms + ms * chance / 256;
}

void session_send(struct session *session, const struct outgoing *message)
{
    struct buffer *out = &session->loop->out;
    if (session->is_line)
        line_write(out, message);
    else
        nwt_write(&session->guard, out, message);
    if (buffer_ok(out) && out->size > 0)
        net_send(session->connection, out->data, out->size);
    buffer_reset(out);
}

/* ---- ends ---- */
void session_complain(struct session *session, enum complaint complaint, const char *problem)
{
    char peer[NET_PEER_SIZE];
    session_peer(session, peer);
    complaint_note(complaint, session->device.tenant_id, session->device.device_id, peer, problem);
}

static void end(struct session *session, enum bye_code code, const char *problem)
{
    bool is_for_now = code == BYE_UNAVAILABLE || code == BYE_GOING || code == BYE_TOO_MANY_FAILURES;
    if (session->state == SESSION_OVER)
        return;
    session->state = SESSION_OVER;
    session_send(session, &(struct outgoing){ .type = MESSAGE_BYE,
                              .code = (uint8_t)code,
                              .after_ms = is_for_now ? (uint32_t)session_about(COME_AGAIN_MS) : 0,
                              .text = problem });
    net_close(session->connection);
}

void session_refuse(struct session *session, enum complaint complaint, enum bye_code code, const char *problem)
{
    if (session->state == SESSION_OVER)
        return;
    session_complain(session, complaint, problem);
    end(session, code, problem);
}

void session_end(struct session *session, enum bye_code code, const char *text, const char *why)
{
    if (session->state == SESSION_OVER)
        return;
    session->why_ended = why;
    end(session, code, text);
}

/* ---- time ---- */
static int64_t earlier(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

void session_arm_timer(struct session *session)
{
    int64_t now_us = clock_monotonic_us(), due_us = INT64_MAX;
    if (session->keep_alive_ms > 0)
        due_us = session->heard_at_us + session->keep_alive_ms * 1500; /* one and a half times, in us */
    if (session->device.expires_at > 0)
        due_us = earlier(due_us, now_us + session->device.expires_at - clock_now_us());
    if (session->resume_at_us > 0)
        due_us = earlier(due_us, session->resume_at_us);
    if (session->recheck_at_us > 0)
        due_us = earlier(due_us, session->recheck_at_us);
    if (session->tell_gaps_at_us > 0)
        due_us = earlier(due_us, session->tell_gaps_at_us);
    if (due_us == INT64_MAX)
        net_clear_timer(session->connection);
    else
        net_set_timer(session->connection, due_us <= now_us ? 1 : (due_us - now_us + 999) / 1000);
}

void session_wait(struct session *session, int64_t ms)
{
    net_pause(session->connection);
    session->resume_at_us = ms > 0 ? clock_monotonic_us() + ms * 1000 : 0;
    session_arm_timer(session);
}

void session_resume(struct session *session)
{
    session->resume_at_us = 0;
    if (session->is_busy || session->is_window_full || session->retry || session->state == SESSION_LEAVING ||
        session->state == SESSION_OVER)
        return;
    session->heard_at_us = clock_monotonic_us(); /* what we did not read cannot be held against it */
    session_arm_timer(session);
    net_resume(session->connection);
}

void session_leave_if_done(struct session *session)
{
    struct position_state state = { 0 };
    if (session->position)
        position_look(session->position, &state);
    if (session->state == SESSION_LEAVING && state.frames == 0 && !session->is_busy)
        session_end(session, BYE_GOING, "we stop: connect again", "drain");
}

/* ---- presence ---- */
void session_tell_presence(struct session *session, const char *kind)
{
    char peer[NET_PEER_SIZE];
    session_peer(session, peer);
    session->seen_at_us = clock_monotonic_us();
    presence_tell(session->loop->app->events, &(struct presence){ .protocol = "tcp",
                                                  .kind = kind,
                                                  .reason = session->why_ended,
                                                  .peer = peer,
                                                  .device = &session->device,
                                                  .connection_id = &session->id,
                                                  .last_reading_at = session->last_reading_at });
}
