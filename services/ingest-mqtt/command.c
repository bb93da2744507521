#include "base/json_writer.h"
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FLIGHTS = 64, TOPIC_SIZE = 256 };

static void tell(struct session *session, const char *command_id, const char *state)
{
    command_tell_result(session->loop->app->events, &session->device, command_id, state, NULL);
}

/* ---- down ---- */
static void put_parameters(struct json_writer *json, const struct command *command)
{
    const char *parameters = command->payload[0] ? command->payload : "{}";
    json_raw(json, parameters, strlen(parameters));
}

static void put_own(struct json_writer *json, const struct command *command)
{
    json_begin_object(json);
    json_put_text(json, "id", command->id);
    json_put_text(json, "name", command->name);
    json_key(json, "payload");
    put_parameters(json, command);
    json_end_object(json);
}

/* ThingsBoard's server-side RPC. */
static void put_thingsboard(struct json_writer *json, const struct command *command)
{
    json_begin_object(json);
    json_put_text(json, "method", command->name);
    json_key(json, "params");
    put_parameters(json, command);
    json_end_object(json);
}

static uint16_t next_packet_id(struct session *session)
{
    session->last_packet_id = session->last_packet_id == UINT16_MAX ? 1 : (uint16_t)(session->last_packet_id + 1);
    return session->last_packet_id;
}

/* 0: it goes with QoS 0; false: too many are on their way, the registry tries again. */
static bool begin_flight(struct session *session, const struct command *command, uint8_t qos, uint16_t *out_packet_id)
{
    size_t count = 0;
    *out_packet_id = 0;
    if (qos == 0)
        return true;
    for (const struct command_flight *flight = session->flights; flight; flight = flight->next)
        count++;
    struct command_flight *flight =
        count < MOST_FLIGHTS && count < session->receive_maximum ? calloc(1, sizeof *flight) : NULL;
    if (!flight)
        return false;
    *out_packet_id = flight->packet_id = next_packet_id(session);
    memcpy(flight->command_id, command->id, sizeof flight->command_id);
    flight->next = session->flights;
    session->flights = flight;
    return true;
}

static void send_down(struct session *session, const struct command *command)
{
    AUTO_INPLACE(buffer) body = { 0 };
    struct json_writer json;
    char topic[TOPIC_SIZE];
    bool is_own = session->command_topic != NULL;
    uint16_t packet_id;
    uint8_t qos = is_own ? session->command_qos : session->tb_command_qos;
    json_writer_init(&json, &body);
    if (is_own)
        put_own(&json, command);
    else
        put_thingsboard(&json, command);
    int length = is_own ? snprintf(topic, sizeof topic, "%s", session->command_topic)
                        : snprintf(topic, sizeof topic, "v1/devices/me/rpc/request/%s", command->id);
    if (!buffer_ok(&body) || length >= (int)sizeof topic || !begin_flight(session, command, qos, &packet_id))
        return;
    mqtt_put_publish(&session->loop->out, session->version, topic, packet_id, false, body.data, body.size);
    session_send(session);
    tell(session, command->id, "sent");
}

void command_down(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct command *command = (struct command *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    (void)context;
    if (session && session->state == SESSION_OPEN && command_is_in_time(command) &&
        (session->command_topic || session->takes_tb_commands))
        send_down(session, command);
    free(command);
}

/* ---- up ---- */
void command_arrived(struct session *session, uint16_t packet_id)
{
    for (struct command_flight **at = &session->flights; *at; at = &(*at)->next) {
        struct command_flight *flight = *at;
        if (flight->packet_id != packet_id)
            continue;
        tell(session, flight->command_id, "delivered");
        *at = flight->next;
        free(flight);
        return;
    }
}

void command_replied(struct session *session, const struct mqtt_text *command_id, const struct mqtt_text *payload)
{
    if (!command_tell_reply(session->loop->app->events, &session->device, command_id->bytes, command_id->length,
            payload->bytes, payload->length))
        session_complain(session, COMPLAINT_TOPIC, "the topic ends in no command's id");
}
