#include "base/clock.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "metrics/metrics.h"
#include "nwims/v1/events.pb-c.h"
#include "session.h"
#include "wire/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENT_ARENA_BYTES = 128 * 1024,
    LONGEST_NAME = 128,
    LONGEST_RESULT = 16 * 1024,
    MOST_FLIGHTS = 64,
    TOPIC_SIZE = 256
};

/* A copy for one session: what the bus gave is gone when its loop comes to it. */
struct command {
    struct net_mail mail;
    char id[UUID_TEXT_SIZE];
    char name[LONGEST_NAME];
    int64_t expires_at; /* 0: never */
    char payload[];     /* JSON, or "" */
};
struct command_feed {
    struct app *app;
    struct bus_subscription *subscription;
};

static void tell_result(struct session *session, const char *command_id, const char *state, const char *result)
{
    Nwims__V1__CommandResult event = NWIMS__V1__COMMAND_RESULT__INIT;
    event.has_tenant_id = event.has_at = true;
    event.tenant_id = session->device.tenant_id;
    event.command_id = (char *)(uintptr_t)command_id;
    event.device_id = session->device.device_id;
    event.state = (char *)(uintptr_t)state;
    event.result = (char *)(uintptr_t)result;
    event.at = clock_now_us();
    event_outlet_put(session->loop->app->events, session->device.tenant_id, "command-result", &event.base);
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
    if (packet_id == 0)
        tell_result(session, command->id, "sent", NULL);
}

static void on_command(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct command *command = (struct command *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    (void)context;
    bool is_in_time = command->expires_at == 0 || command->expires_at > clock_now_us();
    if (session && session->state == SESSION_OPEN && is_in_time &&
        (session->command_topic || session->takes_tb_commands))
        send_down(session, command);
    free(command);
}

struct delivery {
    struct app *app;
    const Nwims__V1__DeviceCommand *event;
};

static void post_command(void *context, const struct net_handle *handle)
{
    const struct delivery *delivery = context;
    const Nwims__V1__DeviceCommand *event = delivery->event;
    size_t size = event->payload ? strlen(event->payload) : 0;
    struct command *command = calloc(1, sizeof *command + size + 1);
    if (!command || !text_copy(command->id, sizeof command->id, event->command_id, strlen(event->command_id)) ||
        !text_copy(command->name, sizeof command->name, event->name, strlen(event->name))) {
        free(command);
        return;
    }
    if (size > 0)
        memcpy(command->payload, event->payload, size);
    command->expires_at = event->has_expires_at ? event->expires_at : 0;
    command->mail = (struct net_mail){ .to = *handle, .handler = on_command };
    net_post(delivery->app->server, &command->mail);
}

static bool is_ours(const Nwims__V1__DeviceCommand *event)
{
    return event->command_id && event->device_id && event->name && event->state &&
           strcmp(event->state, "queued") == 0 &&
           (!event->protocol || event->protocol[0] == '\0' || strcmp(event->protocol, "mqtt") == 0);
}

static void on_event_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) arena;
    struct command_feed *feed = context;
    struct err err = { 0 };
    ProtobufCMessage *event = NULL;
    arena_init(&arena, EVENT_ARENA_BYTES);
    if (!wire_decode(&event, &arena, &nwims__v1__device_command__descriptor, bus_message_data(message),
            bus_message_size(message), &err))
        return;
    struct delivery delivery = { feed->app, (const Nwims__V1__DeviceCommand *)event };
    if (is_ours(delivery.event))
        roster_each(feed->app->roster, delivery.event->device_id, NULL, post_command, &delivery);
}

bool command_feed_open(struct command_feed **out_feed, struct app *app, struct err *err)
{
    struct command_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return err_set(err, ERR_LIMIT, "no memory for commands");
    feed->app = app;
    if (!bus_subscribe(
            &feed->subscription, service_bus(app->service), "events.*.command", NULL, on_event_take, feed, err)) {
        free(feed);
        return err_wrap(err, "following commands");
    }
    *out_feed = feed;
    return true;
}

void command_feed_close(struct command_feed *feed)
{
    if (!feed)
        return;
    bus_subscription_close(feed->subscription);
    free(feed);
}

/* ---- up ---- */
void command_arrived(struct session *session, uint16_t packet_id)
{
    for (struct command_flight **at = &session->flights; *at; at = &(*at)->next) {
        struct command_flight *flight = *at;
        if (flight->packet_id != packet_id)
            continue;
        tell_result(session, flight->command_id, "sent", NULL);
        *at = flight->next;
        free(flight);
        return;
    }
}

/* A device says failure with "ok": false or an "error"; anything else means that it was done. */
static bool says_failure(const struct mqtt_text *payload)
{
    static const char *const words[] = { "\"ok\":false", "\"ok\": false", "\"error\"" };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (payload->length > 0 && memmem(payload->bytes, payload->length, words[i], strlen(words[i])))
            return true;
    return false;
}

void command_replied(struct session *session, const struct mqtt_text *command_id, const struct mqtt_text *payload)
{
    char id[UUID_TEXT_SIZE];
    bool is_text = payload->length <= LONGEST_RESULT && text_is_utf8(payload->bytes, payload->length) &&
                   !memchr(payload->bytes, '\0', payload->length);
    char *result = is_text ? strndup(payload->bytes, payload->length) : NULL;
    if (!text_copy(id, sizeof id, command_id->bytes, command_id->length))
        session_complain(session, COMPLAINT_TOPIC, "the topic ends in no command's id");
    else
        tell_result(session, id, says_failure(payload) ? "failed" : "acknowledged", result);
    free(result);
}
