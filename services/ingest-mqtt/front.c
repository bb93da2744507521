#include "base/clock.h"
#include "metrics/metrics.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>

#define IDLE_SEEN_US (INT64_C(300) * 1000000)

void front_metrics(struct app *app)
{
    static const char packets[] = "nwims_mqtt_packets_total", help[] = "Packets received, by type";
    app->sessions = metrics_gauge("nwims_mqtt_sessions", NULL, "Devices that are logged in");
    app->unacknowledged =
        metrics_gauge("nwims_mqtt_unacknowledged", NULL, "QoS 1 messages received and not acknowledged yet");
    app->held = metrics_gauge("nwims_ingest_held_readings", NULL, ""); /* the gathers' */
    struct metric *other = metrics_counter(packets, "type=\"other\"", help);
    for (int type = 0; type < MQTT_TYPES; type++)
        app->packets[type] = other;
    app->packets[MQTT_CONNECT] = metrics_counter(packets, "type=\"connect\"", help);
    app->packets[MQTT_PUBLISH] = metrics_counter(packets, "type=\"publish\"", help);
    app->packets[MQTT_PUBACK] = metrics_counter(packets, "type=\"puback\"", help);
    app->packets[MQTT_SUBSCRIBE] = metrics_counter(packets, "type=\"subscribe\"", help);
    app->packets[MQTT_PINGREQ] = metrics_counter(packets, "type=\"pingreq\"", help);
    app->packets[MQTT_DISCONNECT] = metrics_counter(packets, "type=\"disconnect\"", help);
}

/* ---- packets ---- */
static void goodbye(struct session *session, uint8_t reason)
{
    session->has_said_goodbye = reason != MQTT_DISCONNECT_WITH_WILL;
    session->why_ended = "client";
    session->state = SESSION_OVER;
    net_close(session->connection);
}

/* False if it cannot be taken now. */
static bool dispatch(struct session *session, const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_PUBLISH:
        return publish_take(session, &packet->publish);
    case MQTT_PUBACK:
        command_arrived(session, packet->acknowledgement.packet_id);
        return true;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        subscribe_take(session, &packet->subscribe, packet->type == MQTT_SUBSCRIBE);
        return true;
    case MQTT_PINGREQ:
        net_send(session->connection, mqtt_pingresp, sizeof mqtt_pingresp);
        if (clock_monotonic_us() - session->seen_at_us > IDLE_SEEN_US)
            session_tell_presence(session, "seen"); /* a device that only listens is there too */
        return true;
    case MQTT_DISCONNECT:
        goodbye(session, packet->disconnect_reason);
        return true;
    default: /* a second CONNECT; answers to QoS 2, which we never send */
        session_refuse(session, COMPLAINT_PROTOCOL, MQTT_PROTOCOL_ERROR, "a packet that does not belong here");
        return true;
    }
}

static void refuse_fault(struct session *session, const struct mqtt_fault *fault)
{
    enum complaint complaint = fault->reason == MQTT_PACKET_TOO_LARGE      ? COMPLAINT_TOO_LARGE
                               : fault->reason == MQTT_UNSUPPORTED_VERSION ? COMPLAINT_VERSION
                               : fault->reason == MQTT_PROTOCOL_ERROR      ? COMPLAINT_PROTOCOL
                               : fault->reason == MQTT_TOPIC_NAME_INVALID  ? COMPLAINT_TOPIC
                                                                           : COMPLAINT_MALFORMED;
    if (session->state == SESSION_NEW && fault->reason == MQTT_UNSUPPORTED_VERSION) {
        const struct mqtt_connack connack = { .code = 1 }; /* in the form that every version understands */
        mqtt_put_connack(&session->loop->out, MQTT_3_1_1, &connack);
        session_send(session);
    }
    session_refuse(session, complaint, fault->reason, fault->problem);
}

static bool take_frame(struct session *session, const struct mqtt_frame *frame)
{
    struct app *app = session->loop->app;
    struct mqtt_packet packet;
    struct mqtt_fault fault;
    bool is_connect = frame->header >> 4 == MQTT_CONNECT;
    if (session->state == SESSION_NEW && !is_connect) {
        session_refuse(session, COMPLAINT_PROTOCOL, MQTT_PROTOCOL_ERROR, "the first packet is no CONNECT");
        return true;
    }
    if (!mqtt_decode(&packet, frame, session->version, &fault)) {
        refuse_fault(session, &fault);
        return true;
    }
    bool is_taken = true;
    if (session->state == SESSION_NEW)
        login_begin(session, &packet.connect);
    else
        is_taken = dispatch(session, &packet);
    if (is_taken)
        metric_add(app->packets[packet.type], 1);
    return is_taken;
}

static bool may_go_on(const struct session *session)
{
    return (session->state == SESSION_NEW || session->state == SESSION_OPEN) && !session->is_busy &&
           !session->is_window_full;
}

/* ---- what libs/net calls ---- */
static bool on_opened(void *context, struct net_connection *connection)
{
    struct app *app = context;
    struct session *session = session_new(&app->loops[net_loop_of(connection)], connection);
    net_set_state(connection, session);
    return session != NULL;
}

static size_t on_received(void *context, struct net_connection *connection, const unsigned char *bytes, size_t size)
{
    struct app *app = context;
    struct session *session = net_state(connection);
    size_t most = (size_t)app->config.packet_max_bytes, taken = 0;
    struct mqtt_frame frame;
    struct mqtt_fault fault;
    session->heard_at_us = clock_monotonic_us();
    while (taken < size && may_go_on(session)) {
        enum mqtt_framing framing = mqtt_frame_next(bytes + taken, size - taken, most, &frame, &fault);
        if (framing == MQTT_FRAME_BAD)
            refuse_fault(session, &fault);
        if (framing != MQTT_FRAME || !take_frame(session, &frame))
            break;
        taken += frame.size;
    }
    if (session->state == SESSION_OPEN && session->resume_at_us == 0)
        session_arm_timer(session);
    return session->state == SESSION_OVER ? size : taken;
}

static void on_timed_out(void *context, struct net_connection *connection)
{
    struct session *session = net_state(connection);
    int64_t now_us = clock_monotonic_us();
    (void)context;
    if (session->device.expires_at > 0 && session->device.expires_at <= clock_now_us()) {
        session->why_ended = "revoked";
        session_refuse(session, COMPLAINT_REVOKED, MQTT_NOT_AUTHORIZED, "the credential has expired");
    } else if (session->recheck_at_us > 0 && session->recheck_at_us <= now_us) {
        session->recheck_at_us = 0;
        login_check_again(session);
        session_arm_timer(session);
    } else if (session->resume_at_us > 0 && session->resume_at_us <= now_us) {
        if (session->retry)
            publish_again(session);
        else
            session_resume(session);
    } else if (session->is_busy || session->is_window_full || session->resume_at_us > 0) {
        session->heard_at_us = now_us; /* we do not read: nothing that it sends can be heard */
        session_arm_timer(session);
    } else if (session->keep_alive_ms > 0 && now_us >= session->heard_at_us + session->keep_alive_ms * 1500) {
        session->why_ended = "keep-alive";
        session_refuse(session, COMPLAINT_KEEP_ALIVE, MQTT_KEEP_ALIVE_TIMEOUT, "nothing within the keep-alive time");
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
    } else if (session->state != SESSION_OVER) {
        session->state = SESSION_OVER;
        net_close(connection);
    }
}

static void on_closed(void *context, struct net_connection *connection, enum net_end how)
{
    struct app *app = context;
    struct session *session = net_state(connection);
    bool was_known = session->device.tenant_id != 0 && session->client_id;
    (void)how;
    if (was_known) {
        roster_leave(app->roster, &session->entry);
        metric_shift(app->sessions, -1);
        session_tell_presence(session, "disconnected");
        if (session->will && !session->has_said_goodbye)
            publish_will(session);
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

/* A ticket's words: the place and number of the connection, the number of the message. */
void front_settled(void *context, const struct gather_ticket *tickets, size_t count, const struct err *err)
{
    struct front_loop *loop = context;
    for (size_t i = 0; i < count; i++) {
        const struct net_handle handle = { (uint32_t)loop->index, (uint32_t)tickets[i].words[0], tickets[i].words[1] };
        struct net_connection *connection = net_find(loop->app->server, &handle);
        if (!connection)
            continue;
        if (err) /* ours to mend; the device keeps its message and sends it again */
            session_refuse(net_state(connection), COMPLAINT_UNAVAILABLE, MQTT_UNSPECIFIED_ERROR, err->text);
        else
            session_settle(net_state(connection), tickets[i].words[2], MQTT_SUCCESS);
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
    roster_each(app->roster, device_id, credential_id, post_recheck, app);
}
