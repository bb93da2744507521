#include "edge_node.h"
#include "base/clock.h"
#include "base/log.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOPIC_SIZE = 256, ASK_EVERY_MS = 5000 };

void edge_node_free(struct edge_node *node)
{
    if (!node)
        return;
    sparkplug_names_drop(node->names);
    free(node->command_topic);
    free(node);
}

static void note_command_topic(struct edge_node *node, const struct sparkplug_topic *topic)
{
    char text[TOPIC_SIZE];
    int length = snprintf(text, sizeof text, "spBv1.0/%.*s/NCMD/%.*s", (int)topic->group.length, topic->group.bytes,
        (int)topic->node.length, topic->node.bytes);
    if (length >= (int)sizeof text || (node->command_topic && strcmp(node->command_topic, text) == 0))
        return;
    free(node->command_topic);
    node->command_topic = strdup(text);
}

static bool learn(
    struct session *session, const struct sparkplug_topic *topic, const struct payload *payload, struct err *err)
{
    struct sparkplug_names *names = NULL;
    arena_reset(&session->loop->arena);
    if (!sparkplug_learn(&names, session->node->names, topic, &payload->bytes, &session->loop->arena, err))
        return false;
    sparkplug_names_drop(session->node->names);
    session->node->names = names;
    return true;
}

/* The death of a device is counted as any message of its node; that of the node has no number, and a birth must follow
 * it. What else they hold is no reading. */
static enum edge_outcome hear_death(
    struct session *session, const struct sparkplug_topic *topic, const struct payload *payload, struct err *err)
{
    struct edge_node *node = session->node;
    struct sparkplug_message message;
    if (topic->device.length == 0) {
        node->is_born = false;
        return EDGE_NOTHING;
    }
    arena_reset(&session->loop->arena);
    if (!sparkplug_read(&message, node->names, topic, &payload->bytes, &session->loop->arena, err))
        return EDGE_MALFORMED;
    node->has_sequence = message.has_sequence;
    node->sequence = message.sequence;
    return EDGE_NOTHING;
}

enum edge_outcome edge_node_hear(struct session *session, const struct payload *payload, struct err *err)
{
    struct sparkplug_topic topic;
    struct sparkplug_message message;
    if (!sparkplug_topic_read(&topic, &payload->topic.name))
        return EDGE_NO_TOPIC;
    struct edge_node *node = session->node ? session->node : calloc(1, sizeof *node);
    session->node = node;
    if (!node)
        return EDGE_MALFORMED;
    if (topic.kind == SPARKPLUG_DEATH)
        return hear_death(session, &topic, payload, err);
    note_command_topic(node, &topic);
    bool is_birth = topic.kind == SPARKPLUG_NBIRTH || topic.kind == SPARKPLUG_DBIRTH;
    if (is_birth && !learn(session, &topic, payload, err))
        return EDGE_MALFORMED;
    arena_reset(&session->loop->arena);
    if (!sparkplug_read(&message, node->names, &topic, &payload->bytes, &session->loop->arena, err))
        return EDGE_MALFORMED;
    node->is_birth = topic.kind == SPARKPLUG_NBIRTH;
    node->has_sequence = message.has_sequence;
    node->sequence = message.sequence;
    node->misses_names = message.unknown > 0;
    return message.readings.count > 0 ? EDGE_VALUES : EDGE_NOTHING;
}

static void ask_for_rebirth(struct session *session, const char *why)
{
    AUTO_INPLACE(buffer) payload = { 0 };
    struct edge_node *node = session->node;
    struct err err = { 0 };
    int64_t now_us = clock_monotonic_us();
    if (!node->command_topic || (node->asked_at_us != 0 && now_us - node->asked_at_us < ASK_EVERY_MS * INT64_C(1000)))
        return;
    node->asked_at_us = now_us;
    log_info(NULL, "sparkplug.rebirth", LOG_TEXT("device", session->device.device_id), LOG_TEXT("why", why));
    if (!sparkplug_put_rebirth(&payload, clock_now_us() / 1000, &err))
        return;
    mqtt_put_publish(&session->loop->out, session->version, node->command_topic, 0, false, payload.data, payload.size);
    session_send(session);
}

void edge_node_count(struct session *session)
{
    struct edge_node *node = session->node;
    if (!node)
        return;
    bool is_in_order = node->is_birth ? node->sequence == 0 : node->is_born && node->sequence == node->next_sequence;
    if (node->has_sequence && !is_in_order)
        ask_for_rebirth(session, node->is_born ? "a message is missing" : "no birth yet");
    else if (node->misses_names)
        ask_for_rebirth(session, "an unknown alias");
    node->is_born = node->is_born || node->is_birth;
    if (node->has_sequence)
        node->next_sequence = (uint8_t)(node->sequence + 1);
    node->is_birth = node->misses_names = node->has_sequence = false;
}

/* Both forms: that of version 3 and the older one. Nodes with a primary host begin only then. */
void edge_node_tell_state(struct session *session, const struct mqtt_text *filter)
{
    char topic[TOPIC_SIZE], payload[64];
    bool is_old = filter->length > 0 && filter->bytes[0] == 'S';
    if (filter->length >= sizeof topic || memchr(filter->bytes, '+', filter->length) ||
        memchr(filter->bytes, '#', filter->length))
        return;
    memcpy(topic, filter->bytes, filter->length);
    topic[filter->length] = '\0';
    int length = is_old ? snprintf(payload, sizeof payload, "ONLINE")
                        : snprintf(payload, sizeof payload, "{\"online\":true,\"timestamp\":%" PRId64 "}",
                              clock_now_us() / 1000);
    mqtt_put_publish(&session->loop->out, session->version, topic, 0, false, payload, (size_t)length);
    session_send(session);
}
