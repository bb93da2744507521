#include "edge_node.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>

static void forget_commands(struct session *session)
{
    free(session->command_topic);
    session->command_topic = NULL;
}

/* Commands go out on the topic that was asked for: clients compare. */
static bool take_commands(struct session *session, const struct mqtt_text *filter, uint8_t qos)
{
    static const char topic[] = "/cmd";
    size_t length = filter->length;
    const char *last = memrchr(filter->bytes, '/', length);
    if (last && last > filter->bytes && filter->bytes[length - 1] == '#' && memmem(filter->bytes, length, "/cmd/#", 6))
        last -= strlen("/cmd"); /* nwims/v1/me/cmd/# */
    char *kept = last ? calloc(1, (size_t)(last - filter->bytes) + sizeof topic) : NULL;
    if (!kept)
        return false;
    memcpy(kept, filter->bytes, (size_t)(last - filter->bytes));
    memcpy(kept + (last - filter->bytes), topic, sizeof topic);
    forget_commands(session);
    session->command_topic = kept;
    session->command_qos = qos > 1 ? 1 : qos;
    return true;
}

static uint8_t refuse(struct session *session, bool is_foreign)
{
    session_complain(session, is_foreign ? COMPLAINT_FOREIGN_TOPIC : COMPLAINT_TOPIC,
        "only a device's own commands can be subscribed to: nwims/v1/me/cmd or v1/devices/me/rpc/request/+");
    if (session->version != MQTT_5)
        return 0x80;
    return is_foreign ? MQTT_NOT_AUTHORIZED : MQTT_TOPIC_FILTER_INVALID;
}

static uint8_t subscribe(struct session *session, const struct mqtt_text *filter, uint8_t qos, bool *out_host_state)
{
    const struct topic_owner owner = session_owner(session);
    uint8_t granted = qos > 1 ? 1 : qos;
    switch (topic_of_filter(filter, &owner).kind) {
    case TOPIC_COMMANDS:
        return take_commands(session, filter, granted) ? granted : 0x80;
    case TOPIC_TB_COMMANDS:
        session->takes_tb_commands = true;
        session->tb_command_qos = granted;
        return granted;
    case TOPIC_HOST_STATE:
        *out_host_state = true;
        return granted;
    case TOPIC_QUIET:
        return granted;
    case TOPIC_FOREIGN:
        return refuse(session, true);
    default:
        return refuse(session, false);
    }
}

static uint8_t unsubscribe(struct session *session, const struct mqtt_text *filter)
{
    const struct topic_owner owner = session_owner(session);
    enum topic_kind kind = topic_of_filter(filter, &owner).kind;
    bool was_there = kind == TOPIC_COMMANDS ? session->command_topic != NULL : session->takes_tb_commands;
    if (kind == TOPIC_COMMANDS)
        forget_commands(session);
    else if (kind == TOPIC_TB_COMMANDS)
        session->takes_tb_commands = false;
    else
        return MQTT_NO_SUBSCRIPTION_EXISTED;
    return was_there ? MQTT_SUCCESS : MQTT_NO_SUBSCRIPTION_EXISTED;
}

void subscribe_take(struct session *session, const struct mqtt_subscribe *packet, bool subscribes)
{
    uint8_t codes[MQTT_MOST_FILTERS];
    bool wants_state[MQTT_MOST_FILTERS] = { false };
    for (size_t i = 0; i < packet->count; i++)
        codes[i] = subscribes ? subscribe(session, &packet->filters[i], packet->qos[i], &wants_state[i])
                              : unsubscribe(session, &packet->filters[i]);
    mqtt_put_suback(&session->loop->out, session->version, subscribes ? MQTT_SUBACK : MQTT_UNSUBACK, packet->packet_id,
        codes, packet->count);
    session_send(session);
    if (subscribes && (session->command_topic || session->takes_tb_commands))
        session_tell_presence(session, "ready"); /* what waits for it comes now */
    for (size_t i = 0; i < packet->count; i++)
        if (wants_state[i])
            edge_node_tell_state(session, &packet->filters[i]);
}
