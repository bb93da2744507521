#include "front/command_feed.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "nwims/v1/events.pb-c.h"
#include "wire/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_ARENA_BYTES = 128 * 1024 };

struct command_feed {
    struct command_feed_config config;
    struct bus_subscription *subscription;
};

/* ---- down ---- */
struct delivery {
    const struct command_feed *feed;
    const Nwims__V1__DeviceCommand *event;
};

/* What the bus gave is gone when the loop comes to it: a copy. */
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
    command->mail = (struct net_mail){ .to = *handle, .handler = delivery->feed->config.handler };
    net_post(delivery->feed->config.server, &command->mail);
}

static bool is_ours(const struct command_feed *feed, const Nwims__V1__DeviceCommand *event)
{
    return event->command_id && event->device_id && event->name && event->state &&
           strcmp(event->state, "queued") == 0 &&
           (!event->protocol || event->protocol[0] == '\0' || strcmp(event->protocol, feed->config.protocol) == 0);
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
    struct delivery delivery = { feed, (const Nwims__V1__DeviceCommand *)event };
    if (is_ours(feed, delivery.event))
        roster_each(feed->config.roster, delivery.event->device_id, NULL, post_command, &delivery);
}

bool command_feed_open(
    struct command_feed **out_feed, struct bus *bus, const struct command_feed_config *config, struct err *err)
{
    struct command_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return err_set(err, ERR_LIMIT, "no memory for commands");
    feed->config = *config;
    if (!bus_subscribe(&feed->subscription, bus, "events.*.command", NULL, on_event_take, feed, err)) {
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

bool command_is_in_time(const struct command *command)
{
    return command->expires_at == 0 || command->expires_at > clock_now_us();
}

/* ---- up ---- */
static Nwims__V1__CommandResult result_of(
    const struct directory_device *device, const char *command_id, const char *state, const char *result)
{
    Nwims__V1__CommandResult event = NWIMS__V1__COMMAND_RESULT__INIT;
    event.has_tenant_id = event.has_at = true;
    event.tenant_id = device->tenant_id;
    event.command_id = wire_constant(command_id);
    event.device_id = wire_constant(device->device_id);
    event.state = wire_constant(state);
    event.result = wire_constant(result);
    event.at = clock_now_us();
    return event;
}

void command_tell_result(struct event_outlet *outlet, const struct directory_device *device, const char *command_id,
    const char *state, const char *result)
{
    const Nwims__V1__CommandResult event = result_of(device, command_id, state, result);
    event_outlet_put(outlet, device->tenant_id, "command-result", &event.base);
}

/* A device says failure with "ok": false or an "error"; anything else means that it was done. */
static bool says_failure(const char *reply, size_t length)
{
    static const char *const words[] = { "\"ok\":false", "\"ok\": false", "\"error\"" };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (length > 0 && memmem(reply, length, words[i], strlen(words[i])))
            return true;
    return false;
}

static const char *state_of(const char *reply, size_t length)
{
    return says_failure(reply, length) ? "failed" : "acknowledged";
}

/* What is kept of a reply, to be freed; NULL for what is no text, or too long for one. */
static char *text_of(const char *reply, size_t length)
{
    bool is_text =
        length > 0 && length <= COMMAND_LONGEST_RESULT && text_is_utf8(reply, length) && !memchr(reply, '\0', length);
    return is_text ? strndup(reply, length) : NULL;
}

bool command_tell_reply(struct event_outlet *outlet, const struct directory_device *device, const char *command_id,
    size_t id_length, const char *reply, size_t reply_length)
{
    char id[UUID_TEXT_SIZE];
    if (!text_copy(id, sizeof id, command_id, id_length))
        return false;
    char *text = text_of(reply, reply_length);
    command_tell_result(outlet, device, id, state_of(reply, reply_length), text);
    free(text);
    return true;
}

bool command_send_reply(struct bus *bus, const struct directory_device *device, const char *command_id,
    size_t id_length, const char *reply, size_t reply_length, int64_t timeout_ms, struct err *err)
{
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = 2 * COMMAND_LONGEST_RESULT };
    char id[UUID_TEXT_SIZE], subject[64], message_id[UUID_TEXT_SIZE];
    struct uuid command, message = uuid_new();
    if (!uuid_parse(command_id, id_length, &command))
        return err_set(err, ERR_INPUT, "no command has such an id");
    uuid_format(id, &command);
    uuid_format(message_id, &message);
    snprintf(subject, sizeof subject, "events.%d.command-result", (int)device->tenant_id);
    char *text = text_of(reply, reply_length);
    const Nwims__V1__CommandResult event = result_of(device, id, state_of(reply, reply_length), text);
    bool ok = wire_encode(&payload, &event.base, err);
    free(text);
    const struct bus_outgoing outgoing = { .subject = subject, .data = payload.data, .size = payload.size };
    return ok && bus_publish(bus, &outgoing, message_id, timeout_ms, NULL, err);
}
