#include "ingest/device_desk.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "base/uuid.h"
#include "metrics/metrics.h"
#include "nwims/v1/events.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASK_MS = 3000,
    TELL_MS = 3000,
    LONGEST_NAME = 65,
    LONGEST_RESULT = 16 * 1024,
    MOST_OF_DEVICE = 64,
    MOST_BYTES = 64 * 1024 * 1024,
    EVENT_ARENA_BYTES = 128 * 1024,
    EVENT_BYTES = 64 * 1024,
};

struct waiting {
    struct waiting *next; /* younger */
    char id[UUID_TEXT_SIZE];
    char name[LONGEST_NAME];
    int64_t expires_at;
    bool is_told; /* that it was sent */
    size_t size;
    char payload[]; /* "": none */
};
struct known_device {
    int64_t seen_us; /* when it was told of last; 0: never */
    unsigned epoch;  /* what waits is known as of this one; 0: not at all */
    struct waiting *waiting;
};
struct device_desk {
    struct device_desk_config config;
    struct bus *bus;
    struct bus_subscription *subscription;
    pthread_mutex_t lock;
    struct map *devices; /* by id */
    size_t bytes;        /* of all that wait */
    struct metric *failures, *given, *forgotten;
};

/* Whatever was told while the bus was away is missed: from one on all is asked for anew. Of the process, because a
 * callback of the bus cannot be taken back. */
static atomic_uint epochs = 1;

static void on_reconnect(void *context)
{
    (void)context;
    atomic_fetch_add(&epochs, 1);
}

/* ---- what waits, under the lock ---- */
static void drop(struct device_desk *desk, struct waiting **at)
{
    struct waiting *gone = *at;
    *at = gone->next;
    desk->bytes -= gone->size;
    free(gone);
}

static void drop_all(struct device_desk *desk, struct known_device *device)
{
    while (device->waiting)
        drop(desk, &device->waiting);
}

static void drop_command(struct device_desk *desk, struct known_device *device, const char *id)
{
    for (struct waiting **at = &device->waiting; *at; at = &(*at)->next)
        if (strcmp((*at)->id, id) == 0) {
            drop(desk, at);
            return;
        }
}

/* False when there is no room: then what waits is not known any more. */
static bool add(struct device_desk *desk, struct known_device *device, const struct desk_command *command)
{
    size_t count = 0, length = command->payload ? strlen(command->payload) : 0;
    struct waiting **at = &device->waiting;
    for (; *at; at = &(*at)->next, count++)
        if (strcmp((*at)->id, command->id) == 0)
            return true;
    size_t size = sizeof **at + length + 1;
    struct waiting *made = count < MOST_OF_DEVICE && desk->bytes + size <= MOST_BYTES ? calloc(1, size) : NULL;
    if (!made || !text_copy(made->id, sizeof made->id, command->id, strlen(command->id)) ||
        !text_copy(made->name, sizeof made->name, command->name, strlen(command->name))) {
        free(made);
        return false;
    }
    memcpy(made->payload, command->payload ? command->payload : "", length);
    made->expires_at = command->expires_at;
    made->size = size;
    desk->bytes += size;
    *at = made;
    return true;
}

static struct known_device *find(struct device_desk *desk, const char *device_id)
{
    return map_get(desk->devices, device_id, strlen(device_id));
}

static void release(void *value)
{
    struct known_device *device = value;
    while (device->waiting) {
        struct waiting *next = device->waiting->next;
        free(device->waiting);
        device->waiting = next;
    }
    free(device);
}

/* A full desk is emptied: those who are still here come again, and are met anew. */
static bool forget_all(struct device_desk *desk)
{
    struct map *fresh = map_new(desk->config.most_devices);
    if (!fresh)
        return false;
    map_free(desk->devices, release);
    desk->devices = fresh;
    desk->bytes = 0;
    metric_add(desk->forgotten, 1);
    return true;
}

static struct known_device *find_or_make(struct device_desk *desk, const char *device_id)
{
    struct known_device *device = find(desk, device_id);
    if (device)
        return device;
    if (map_count(desk->devices) >= desk->config.most_devices && !forget_all(desk))
        return NULL;
    device = calloc(1, sizeof *device);
    if (device && map_put(desk->devices, device_id, strlen(device_id), device, NULL))
        return device;
    free(device);
    return NULL;
}

/* ---- what the registry tells ---- */
static void take_event(struct device_desk *desk, const Nwims__V1__DeviceCommand *event)
{
    bool is_ours = event->command_id && event->device_id && event->name && event->state &&
                   (!event->protocol || !*event->protocol || strcmp(event->protocol, desk->config.protocol) == 0);
    if (!is_ours)
        return;
    const struct desk_command command = { .id = event->command_id,
        .name = event->name,
        .payload = event->payload,
        .expires_at = event->has_expires_at ? event->expires_at : INT64_MAX };
    pthread_mutex_lock(&desk->lock);
    struct known_device *device = find(desk, event->device_id); /* others are asked for when they come */
    if (device && strcmp(event->state, "queued") != 0)
        drop_command(desk, device, event->command_id);
    else if (device && !add(desk, device, &command))
        device->epoch = 0;
    pthread_mutex_unlock(&desk->lock);
}

static void on_event_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) arena;
    struct err err = { 0 };
    ProtobufCMessage *event = NULL;
    arena_init(&arena, EVENT_ARENA_BYTES);
    if (wire_decode(&event, &arena, &nwims__v1__device_command__descriptor, bus_message_data(message),
            bus_message_size(message), &err))
        take_event(context, (const Nwims__V1__DeviceCommand *)event);
}

static void fail(struct device_desk *desk, const char *doing, const struct err *err)
{
    metric_add(desk->failures, 1);
    log_debug(NULL, "desk.failed", LOG_TEXT("doing", doing), LOG_ERR(err));
}

/* What is told meanwhile is there twice: it is kept once. */
static void ask(struct device_desk *desk, const struct directory_device *device, unsigned epoch, struct arena *arena)
{
    Nwims__V1__OpenCommandsRequest request = NWIMS__V1__OPEN_COMMANDS_REQUEST__INIT;
    struct rpc_caller caller = { .tenant_id = device->tenant_id };
    ProtobufCMessage *reply = NULL;
    struct err err = { 0 };
    request.device_id = (char *)(uintptr_t)device->device_id;
    trace_begin(&caller.trace, NULL);
    if (!rpc_call(desk->bus, &nwims__v1__registry__descriptor, "ListOpenCommands", &caller, &request.base, ASK_MS,
            arena, &reply, NULL, &err)) {
        fail(desk, "asking for commands", &err);
        return;
    }
    const Nwims__V1__ListCommandsReply *list = (const Nwims__V1__ListCommandsReply *)reply;
    pthread_mutex_lock(&desk->lock);
    struct known_device *known = find(desk, device->device_id);
    bool has_room = known != NULL;
    for (size_t i = 0; has_room && i < list->n_items; i++) {
        const Nwims__V1__Command *item = list->items[i];
        const struct desk_command command = {
            .id = item->id, .name = item->name, .payload = item->payload, .expires_at = item->expires_at
        };
        has_room = item->id && item->name && add(desk, known, &command);
    }
    if (has_room)
        known->epoch = epoch;
    pthread_mutex_unlock(&desk->lock);
}

/* ---- what is told ---- */
static bool tell(
    struct device_desk *desk, int32_t tenant_id, const char *entity, const ProtobufCMessage *event, struct err *err)
{
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = EVENT_BYTES };
    char subject[64], message_id[UUID_TEXT_SIZE];
    struct uuid id = uuid_new();
    uuid_format(message_id, &id);
    snprintf(subject, sizeof subject, "events.%" PRId32 ".%s", tenant_id, entity);
    if (!wire_encode(&body, event, err))
        return false;
    const struct bus_outgoing message = { .subject = subject, .data = body.data, .size = body.size };
    return bus_publish(desk->bus, &message, message_id, TELL_MS, NULL, err);
}

static bool tell_presence(
    struct device_desk *desk, const struct directory_device *device, const char *peer, struct err *err)
{
    Nwims__V1__DevicePresence event = NWIMS__V1__DEVICE_PRESENCE__INIT;
    event.has_tenant_id = event.has_at = true;
    event.tenant_id = device->tenant_id;
    event.device_id = (char *)(uintptr_t)device->device_id;
    event.protocol = (char *)(uintptr_t)desk->config.protocol;
    event.kind = (char[]){ "seen" };
    event.at = clock_now_us();
    event.peer = (char *)(uintptr_t)peer;
    return tell(desk, device->tenant_id, "presence", &event.base, err);
}

static bool tell_result(struct device_desk *desk, const struct directory_device *device, const char *command_id,
    const char *state, const char *result, struct err *err)
{
    Nwims__V1__CommandResult event = NWIMS__V1__COMMAND_RESULT__INIT;
    event.has_tenant_id = event.has_at = true;
    event.tenant_id = device->tenant_id;
    event.command_id = (char *)(uintptr_t)command_id;
    event.device_id = (char *)(uintptr_t)device->device_id;
    event.state = (char *)(uintptr_t)state;
    event.result = (char *)(uintptr_t)result;
    event.at = clock_now_us();
    return tell(desk, device->tenant_id, "command-result", &event.base, err);
}

void device_desk_greet(
    struct device_desk *desk, const struct directory_device *device, const char *peer, struct arena *arena)
{
    int64_t now_us = clock_monotonic_us();
    unsigned epoch = atomic_load(&epochs);
    struct err err = { 0 };
    pthread_mutex_lock(&desk->lock);
    struct known_device *known = find_or_make(desk, device->device_id);
    bool is_new = known && known->epoch != epoch;
    bool is_due = known && (known->seen_us == 0 || now_us - known->seen_us >= desk->config.seen_every_ms * 1000);
    if (is_new)
        drop_all(desk, known);
    if (is_due)
        known->seen_us = now_us;
    pthread_mutex_unlock(&desk->lock);
    if (is_new)
        ask(desk, device, epoch, arena);
    if (is_due && !tell_presence(desk, device, peer, &err))
        fail(desk, "telling of a device", &err);
}

/* Copied under the lock, told without it. */
size_t device_desk_commands(struct device_desk *desk, const struct directory_device *device, struct arena *arena,
    struct desk_command out_commands[DESK_MOST_AT_ONCE])
{
    bool is_told[DESK_MOST_AT_ONCE];
    size_t count = 0, bytes = 0;
    int64_t now_us = clock_now_us();
    pthread_mutex_lock(&desk->lock);
    struct known_device *known = find(desk, device->device_id);
    struct waiting **at = known ? &known->waiting : NULL;
    while (at && *at && count < DESK_MOST_AT_ONCE && (bytes += (*at)->size) <= DESK_MOST_BYTES_AT_ONCE) {
        if ((*at)->expires_at <= now_us) {
            drop(desk, at);
            continue;
        }
        struct desk_command *command = &out_commands[count];
        *command = (struct desk_command){ .id = arena_text(arena, (*at)->id),
            .name = arena_text(arena, (*at)->name),
            .payload = arena_text(arena, (*at)->payload),
            .expires_at = (*at)->expires_at };
        if (!command->id || !command->name || !command->payload)
            break;
        command->payload = *command->payload ? command->payload : NULL;
        is_told[count++] = (*at)->is_told;
        (*at)->is_told = true;
        at = &(*at)->next;
    }
    pthread_mutex_unlock(&desk->lock);
    for (size_t i = 0; i < count; i++) {
        struct err err = { 0 };
        if (!is_told[i] && !tell_result(desk, device, out_commands[i].id, "sent", NULL, &err))
            fail(desk, "telling that a command was sent", &err);
    }
    metric_add(desk->given, count);
    return count;
}

bool device_desk_settle(struct device_desk *desk, const struct directory_device *device, const char *command_id,
    const char *state, const char *result, struct err *err)
{
    struct uuid uuid;
    if (!uuid_parse(command_id, strlen(command_id), &uuid))
        return err_set(err, ERR_INPUT, "\"%.40s\" is no command's id", command_id);
    if (result && (strlen(result) > LONGEST_RESULT || !text_is_utf8(result, strlen(result))))
        return err_set(err, ERR_INPUT, "a result is UTF-8 of at most %d bytes", LONGEST_RESULT);
    if (!tell_result(desk, device, command_id, state, result, err))
        return false;
    pthread_mutex_lock(&desk->lock);
    struct known_device *known = find(desk, device->device_id);
    if (known)
        drop_command(desk, known, command_id);
    pthread_mutex_unlock(&desk->lock);
    return true;
}

/* ---- life ---- */
bool device_desk_open(
    struct device_desk **out_desk, struct bus *bus, const struct device_desk_config *config, struct err *err)
{
    AUTO(device_desk) desk = calloc(1, sizeof *desk);
    if (!desk)
        return err_set(err, ERR_LIMIT, "no memory for devices");
    desk->config = *config;
    desk->bus = bus;
    pthread_mutex_init(&desk->lock, NULL);
    desk->failures = metrics_counter("nwims_desk_failures_total", NULL,
        "Times that the registry could not be asked or told of a device; done at its next visit");
    desk->given = metrics_counter("nwims_desk_commands_given_total", NULL, "Commands given to devices, repeats too");
    desk->forgotten = metrics_counter(
        "nwims_desk_forgotten_total", NULL, "Times that all devices were forgotten, because there were too many");
    if (!(desk->devices = map_new(config->most_devices)))
        return err_set(err, ERR_LIMIT, "no memory for devices");
    if (!bus_on_reconnect(bus, on_reconnect, NULL, err) ||
        !bus_subscribe(&desk->subscription, bus, "events.*.command", NULL, on_event_take, desk, err))
        return err_wrap(err, "following commands");
    *out_desk = TAKE(desk);
    return true;
}

void device_desk_close(struct device_desk *desk)
{
    if (!desk)
        return;
    bus_subscription_close(desk->subscription);
    map_free(desk->devices, release);
    pthread_mutex_destroy(&desk->lock);
    free(desk);
}
