#include "session.h"
#include "base/clock.h"
#include "edge_node.h"
#include "front/presence.h"
#include "metrics/metrics.h"
#include "publish_job.h"
#include <stdlib.h>
#include <string.h>

struct session *session_new(struct front_loop *loop, struct net_connection *connection)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->loop = loop;
    session->connection = connection;
    session->handle = net_handle_of(connection);
    session->version = MQTT_3_1_1;
    session->receive_maximum = UINT16_MAX;
    session->why_ended = "error";
    ack_queue_init(&session->acks);
    return session;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    metric_shift(session->loop->app->unacknowledged, -(int64_t)session->acks.count);
    ack_queue_done(&session->acks);
    while (session->flights) {
        struct command_flight *next = session->flights->next;
        free(session->flights);
        session->flights = next;
    }
    free(session->client_id);
    free(session->will);
    free(session->command_topic);
    publish_job_free(session->retry);
    edge_node_free(session->node);
    free(session);
}

struct topic_owner session_owner(const struct session *session)
{
    return (struct topic_owner){ session->device.tenant_id, session->device.device_id, session->device.device_code };
}

void session_peer(const struct session *session, char text[NET_PEER_SIZE])
{
    net_peer_host(session->connection, text);
}

void session_send(struct session *session)
{
    struct buffer *out = &session->loop->out;
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

static void end(struct session *session, enum mqtt_reason reason, const char *problem)
{
    bool is_told = session->state == SESSION_OPEN || session->state == SESSION_LEAVING;
    if (session->state == SESSION_OVER)
        return;
    session->state = SESSION_OVER;
    if (is_told && session->version == MQTT_5) {
        mqtt_put_disconnect(&session->loop->out, (uint8_t)reason, problem);
        session_send(session);
    }
    net_close(session->connection);
}

void session_refuse(struct session *session, enum complaint complaint, enum mqtt_reason reason, const char *problem)
{
    if (session->state == SESSION_OVER)
        return;
    session_complain(session, complaint, problem);
    end(session, reason, problem);
}

void session_end(struct session *session, enum mqtt_reason reason, const char *text, const char *why)
{
    if (session->state == SESSION_OVER)
        return;
    session->why_ended = why;
    end(session, reason, text);
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
    if (session->is_busy || session->is_window_full || session->state == SESSION_LEAVING ||
        session->state == SESSION_OVER)
        return;
    session->heard_at_us = clock_monotonic_us(); /* what we did not read cannot be held against it */
    session_arm_timer(session);
    net_resume(session->connection);
}

/* ---- acknowledgements ---- */
void session_settle(struct session *session, uint64_t number, uint8_t reason)
{
    unsigned char bytes[MQTT_ACK_SIZE];
    struct ack ack;
    bool is_any = false;
    ack_queue_settle(&session->acks, number, reason);
    while (ack_queue_take(&session->acks, &ack)) {
        size_t size = mqtt_write_ack(bytes, session->version, MQTT_PUBACK, ack.packet_id, ack.reason);
        net_send(session->connection, bytes, size);
        metric_shift(session->loop->app->unacknowledged, -1);
        is_any = true;
    }
    if (is_any && session->is_window_full) {
        session->is_window_full = false;
        session_resume(session);
    }
    session_leave_if_done(session);
}

void session_leave_if_done(struct session *session)
{
    if (session->state == SESSION_LEAVING && session->acks.count == 0 && !session->is_busy)
        session_end(session, MQTT_SERVER_SHUTTING_DOWN, "we stop: connect again", "drain");
}

/* ---- presence ---- */
void session_tell_presence(struct session *session, const char *kind)
{
    char peer[NET_PEER_SIZE];
    session_peer(session, peer);
    session->seen_at_us = clock_monotonic_us();
    presence_tell(session->loop->app->events, &(struct presence){ .protocol = "mqtt",
                                                  .kind = kind,
                                                  .reason = session->why_ended,
                                                  .peer = peer,
                                                  .device = &session->device,
                                                  .connection_id = &session->id,
                                                  .last_reading_at = session->last_reading_at });
}
