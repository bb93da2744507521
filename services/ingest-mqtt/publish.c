#include "base/clock.h"
#include "base/uuid.h"
#include "edge_node.h"
#include "metrics/metrics.h"
#include "publish_job.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>

enum { FULL_WAIT_MS = 100, RETRY_WAIT_MS = 500, SEEN_EVERY_MS = 60000 };

/* Those who are told to wait together do not come back together. */
static int64_t about(int64_t ms)
{
    unsigned char chance;
    random_bytes(&chance, sizeof chance);
    return ms + ms * chance / 128;
}

/* ---- acknowledging: in the order in which the messages came, whatever they were ---- */
static bool reserve_ack(struct session *session, const struct mqtt_publish *publish)
{
    return publish->qos == 0 || ack_queue_reserve(&session->acks);
}

static uint64_t put_ack(struct session *session, const struct mqtt_publish *publish)
{
    uint64_t number = ack_queue_next(&session->acks);
    if (publish->qos > 0) {
        ack_queue_put(&session->acks, publish->packet_id);
        metric_shift(session->loop->app->unacknowledged, 1);
    }
    return number;
}

static void acknowledge(struct session *session, const struct mqtt_publish *publish, uint8_t reason)
{
    if (publish->qos > 0)
        session_settle(session, put_ack(session, publish), reason);
}

/* ---- refusing a topic ---- */
static void refuse_topic(struct session *session, const struct mqtt_publish *publish, enum topic_kind kind)
{
    bool is_foreign = kind == TOPIC_FOREIGN;
    enum complaint complaint = is_foreign ? COMPLAINT_FOREIGN_TOPIC : COMPLAINT_TOPIC;
    enum mqtt_reason reason = is_foreign ? MQTT_NOT_AUTHORIZED : MQTT_TOPIC_NAME_INVALID;
    const char *problem = is_foreign ? "the topic belongs to another device or tenant: nwims/v1/me/up is this one's"
                                     : "nothing is taken on this topic: nwims/v1/me/up, v1/devices/me/telemetry are";
    if (publish->qos == 0 || session->version != MQTT_5) {
        session_refuse(session, complaint, reason, problem);
        return;
    }
    session_complain(session, complaint, problem);
    acknowledge(session, publish, (uint8_t)reason);
}

/* ---- the way of those that a worker must see ---- */
static void on_done(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct publish_job *job = (struct publish_job *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    (void)context;
    if (!session) {
        publish_job_free(job);
        return;
    }
    session->is_busy = false;
    if (!job->is_settled) {
        session_complain(session, COMPLAINT_UNAVAILABLE, job->err.text);
        session->retry = job;
        session_wait(session, about(RETRY_WAIT_MS));
        return;
    }
    if (job->reason != MQTT_SUCCESS)
        session_complain(session, COMPLAINT_PAYLOAD, job->err.text);
    if (job->has_number)
        session_settle(session, job->number, job->reason);
    publish_job_free(job);
    session_resume(session);
    session_leave_if_done(session);
}

void publish_again(struct session *session)
{
    if (!publish_job_start(session->retry)) {
        session_wait(session, about(RETRY_WAIT_MS));
        return;
    }
    session->retry = NULL;
    session->is_busy = true;
    session->resume_at_us = 0;
    session_arm_timer(session);
}

static bool take_slowly(struct session *session, const struct mqtt_publish *publish, const struct payload *payload)
{
    struct publish_job *job = publish_job_new(session, payload, on_done);
    if (job) {
        job->has_number = publish->qos > 0;
        job->number = ack_queue_next(&session->acks);
    }
    if (!job || !publish_job_start(job)) {
        publish_job_free(job);
        session_wait(session, about(FULL_WAIT_MS));
        return false;
    }
    put_ack(session, publish);
    session->is_busy = true;
    net_pause(session->connection);
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

static bool take_readings(struct session *session, const struct mqtt_publish *publish, const struct payload *payload)
{
    struct front_loop *loop = session->loop;
    const struct rpc_caller caller = { .tenant_id = session->device.tenant_id };
    const struct intake_request request = {
        .caller = &caller, .protocol = "mqtt", .device_id = session->device.device_id, .mode = INTAKE_SKIP_BAD
    };
    const struct gather_ticket ticket = { { session->handle.place, session->handle.number,
        ack_queue_next(&session->acks) } };
    const struct payload_origin origin = { loop->app->directory, &session->device, clock_now_us(), true };
    struct raw_readings readings = { 0 };
    struct err err = { 0 };
    arena_reset(&loop->arena);
    if (!loop->gather || !gather_has_room(loop->gather) || !reserve_ack(session, publish)) {
        session_wait(session, about(FULL_WAIT_MS));
        return false;
    }
    if (!payload_decode(payload, &origin, &readings, &loop->arena, &err))
        return take_slowly(session, publish, payload);
    switch (gather_put(loop->gather, &request, &readings, publish->qos > 0 ? &ticket : NULL, &loop->arena)) {
    case GATHER_TAKEN:
        put_ack(session, publish);
        note_readings(session, &readings);
        return true;
    case GATHER_FULL:
        session_wait(session, about(FULL_WAIT_MS));
        return false;
    case GATHER_DIFFICULT:
        break;
    }
    return take_slowly(session, publish, payload);
}

/* Births are learnt from before their values are taken; a message without values is done with that. */
static bool take_sparkplug(struct session *session, const struct mqtt_publish *publish, struct payload payload)
{
    struct err err = { 0 };
    enum edge_outcome outcome = edge_node_hear(session, &payload, &err);
    if (outcome == EDGE_NO_TOPIC) {
        refuse_topic(session, publish, TOPIC_UNKNOWN);
        return true;
    }
    if (outcome == EDGE_VALUES) {
        payload.names = session->node->names;
        bool is_taken = take_readings(session, publish, &payload);
        if (is_taken)
            edge_node_count(session);
        return is_taken;
    }
    if (outcome == EDGE_MALFORMED)
        return take_slowly(session, publish, &payload); /* where it is refused, and kept */
    if (!reserve_ack(session, publish)) {
        session_wait(session, about(FULL_WAIT_MS));
        return false;
    }
    edge_node_count(session);
    acknowledge(session, publish, MQTT_SUCCESS);
    return true;
}

/* True if the message may be looked at. */
static bool check(struct session *session, const struct mqtt_publish *publish)
{
    if (publish->qos == 2)
        session_refuse(session, COMPLAINT_QOS, MQTT_QOS_NOT_SUPPORTED, "QoS 2 is not offered: send with QoS 1");
    else if (publish->properties.topic_alias != 0)
        session_refuse(session, COMPLAINT_PROTOCOL, MQTT_TOPIC_ALIAS_INVALID, "topic aliases are not offered");
    else
        return true;
    return false;
}

static bool is_window_full(struct session *session, const struct mqtt_publish *publish)
{
    return publish->qos > 0 && session->acks.count >= (uint32_t)session->loop->app->config.most_unacknowledged;
}

static bool take(struct session *session, const struct mqtt_publish *publish)
{
    const struct topic_owner owner = session_owner(session);
    const struct payload payload = { .topic = topic_of_publish(&publish->topic, &owner),
        .content_type = publish->properties.content_type,
        .bytes = publish->payload };
    enum topic_kind kind = payload.topic.kind;
    if (kind == TOPIC_SPARKPLUG)
        return take_sparkplug(session, publish, payload);
    if (payload_has_readings(kind))
        return take_readings(session, publish, &payload);
    if (!reserve_ack(session, publish)) {
        session_wait(session, about(FULL_WAIT_MS));
        return false;
    }
    if (kind == TOPIC_COMMAND_REPLY || kind == TOPIC_TB_COMMAND_REPLY) {
        command_replied(session, &payload.topic.name, &publish->payload);
        acknowledge(session, publish, MQTT_SUCCESS);
    } else if (kind == TOPIC_IGNORED) {
        acknowledge(session, publish, MQTT_NO_MATCHING_SUBSCRIBERS);
    } else {
        refuse_topic(session, publish, kind);
    }
    return true;
}

bool publish_take(struct session *session, const struct mqtt_publish *publish)
{
    if (!check(session, publish))
        return true;
    if (!is_window_full(session, publish))
        return take(session, publish);
    if (session->version == MQTT_5) { /* it was told how many there may be */
        session_refuse(
            session, COMPLAINT_WINDOW, MQTT_RECEIVE_MAXIMUM_EXCEEDED, "more messages than the receive maximum");
        return true;
    }
    session->is_window_full = true;
    net_pause(session->connection);
    return false;
}

/* ---- the will ---- */
static void on_will_done(void *context, struct net_connection *connection, struct net_mail *mail)
{
    (void)context, (void)connection;
    publish_job_free((struct publish_job *)(void *)mail);
}

void publish_will(struct session *session)
{
    const struct topic_owner owner = session_owner(session);
    const struct payload payload = { .topic = topic_of_publish(&session->will->topic, &owner),
        .bytes = session->will->payload };
    if (!payload_has_readings(payload.topic.kind))
        return;
    struct publish_job *job = publish_job_new(session, &payload, on_will_done);
    if (job && publish_job_start(job))
        return;
    session_complain(session, COMPLAINT_UNAVAILABLE, "the will could not be taken");
    publish_job_free(job);
}
