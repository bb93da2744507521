#include "pending.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "metrics/metrics.h"
#include "nwims/v1/events.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASK_MS = 1000,
    REST_US = 5000000,       /* how long nobody asks a registry that did not answer */
    ASK_AGAIN_US = 60000000, /* while there are commands: an event that ended one may have been missed */
    EVENT_ARENA_BYTES = 128 * 1024,
    MOST_OF_DEVICE = 32, /* as the registry has it */
    MOST_BYTES = 32 * 1024 * 1024
};

struct waiting_command {
    struct waiting_command *next; /* the oldest first */
    char id[UUID_TEXT_SIZE];
    int64_t expires_at, heard_us;
    bool was_given;
    size_t size; /* of name and payload */
    char name[65];
    char payload[]; /* JSON, or "" */
};
struct waiting {
    struct waiting_command *commands;
    int64_t asked_us; /* 0: not yet */
};
struct pending {
    size_t most_devices;
    struct bus *bus;
    struct bus_subscription *subscription;
    pthread_mutex_t lock;
    struct map *devices;
    size_t bytes;
    int64_t rest_until_us;
    struct metric *held, *asked;
};

/* ---- under the lock ---- */
static void drop(struct pending *pending, struct waiting_command **at)
{
    struct waiting_command *command = *at;
    *at = command->next;
    pending->bytes -= command->size;
    metric_shift(pending->held, -1);
    free(command);
}

static void free_waiting(void *value)
{
    struct waiting *waiting = value;
    for (struct waiting_command *command = waiting->commands, *next; command; command = next) {
        next = command->next;
        free(command);
    }
    free(waiting);
}

/* NULL without room. Where there are too many devices all are forgotten, and asked for again as they come. */
static struct waiting *waiting_of(struct pending *pending, const char *device_id, bool makes_new)
{
    struct waiting *waiting = map_get(pending->devices, device_id, strlen(device_id));
    if (waiting || !makes_new)
        return waiting;
    waiting = calloc(1, sizeof *waiting);
    if (waiting && map_put(pending->devices, device_id, strlen(device_id), waiting, NULL))
        return waiting;
    free(waiting);
    return NULL;
}

static void put(struct pending *pending, struct waiting *waiting, const char *id, const char *name, const char *payload,
    int64_t expires_at)
{
    struct waiting_command **at = &waiting->commands, *command;
    size_t count = 0, size = payload ? strlen(payload) : 0;
    for (; *at; at = &(*at)->next, count++)
        if (strcmp((*at)->id, id) == 0) {
            (*at)->heard_us = clock_monotonic_us();
            return;
        }
    size += sizeof *command;
    if (count >= MOST_OF_DEVICE || pending->bytes + size > MOST_BYTES || !(command = calloc(1, size + 1)))
        return;
    if (!text_copy(command->id, sizeof command->id, id, strlen(id)) ||
        !text_copy(command->name, sizeof command->name, name, strlen(name))) {
        free(command);
        return;
    }
    memcpy(command->payload, payload ? payload : "", size - sizeof *command + 1);
    command->expires_at = expires_at;
    command->heard_us = clock_monotonic_us();
    command->size = size;
    pending->bytes += size;
    metric_shift(pending->held, 1);
    *at = command;
}

static void remove_command(struct pending *pending, const char *device_id, const char *command_id)
{
    struct waiting *waiting = waiting_of(pending, device_id, false);
    for (struct waiting_command **at = waiting ? &waiting->commands : NULL; at && *at; at = &(*at)->next)
        if (strcmp((*at)->id, command_id) == 0) {
            drop(pending, at);
            return;
        }
}

/* ---- events ---- */
static bool is_ours(const Nwims__V1__DeviceCommand *event)
{
    return event->command_id && event->device_id && event->state &&
           (!event->protocol || event->protocol[0] == '\0' || strcmp(event->protocol, "http") == 0);
}

static void on_event_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) arena;
    struct pending *pending = context;
    struct err err = { 0 };
    ProtobufCMessage *decoded = NULL;
    arena_init(&arena, EVENT_ARENA_BYTES);
    if (!wire_decode(&decoded, &arena, &nwims__v1__device_command__descriptor, bus_message_data(message),
            bus_message_size(message), &err))
        return;
    const Nwims__V1__DeviceCommand *event = (const Nwims__V1__DeviceCommand *)decoded;
    if (!is_ours(event))
        return;
    pthread_mutex_lock(&pending->lock);
    struct waiting *waiting = waiting_of(pending, event->device_id, false);
    if (strcmp(event->state, "queued") != 0)
        remove_command(pending, event->device_id, event->command_id);
    else if (waiting && event->name) /* of a device that was not here yet it is asked for when it comes */
        put(pending, waiting, event->command_id, event->name, event->payload, event->expires_at);
    pthread_mutex_unlock(&pending->lock);
}

bool pending_open(struct pending **out_pending, struct bus *bus, size_t most_devices, struct err *err)
{
    struct pending *pending = calloc(1, sizeof *pending);
    if (!pending || !(pending->devices = map_new(most_devices))) {
        free(pending);
        return err_set(err, ERR_LIMIT, "no memory for commands");
    }
    pending->bus = bus;
    pending->most_devices = most_devices;
    pthread_mutex_init(&pending->lock, NULL);
    pending->held = metrics_gauge("nwims_http_commands_pending", NULL, "Commands that wait for devices");
    pending->asked =
        metrics_counter("nwims_http_commands_asked_total", NULL, "Devices whose commands the registry was asked for");
    if (bus_subscribe(&pending->subscription, bus, "events.*.command", NULL, on_event_take, pending, err)) {
        *out_pending = pending;
        return true;
    }
    pending_close(pending);
    return err_wrap(err, "following commands");
}

void pending_close(struct pending *pending)
{
    if (!pending)
        return;
    bus_subscription_close(pending->subscription);
    map_free(pending->devices, free_waiting);
    pthread_mutex_destroy(&pending->lock);
    free(pending);
}

/* ---- asking ---- */
static bool must_ask(struct pending *pending, const char *device_id, int64_t now_us)
{
    pthread_mutex_lock(&pending->lock);
    const struct waiting *waiting = waiting_of(pending, device_id, false);
    bool is_due =
        !waiting || waiting->asked_us == 0 || (waiting->commands && now_us - waiting->asked_us >= ASK_AGAIN_US);
    bool must = is_due && now_us >= pending->rest_until_us;
    pthread_mutex_unlock(&pending->lock);
    return must;
}

/* What was heard of before the answer and is not in it is over. */
static void learn(
    struct pending *pending, const char *device_id, const Nwims__V1__ListCommandsReply *open, int64_t began_us)
{
    struct waiting *waiting = waiting_of(pending, device_id, true);
    if (!waiting) {
        struct map *fresh = map_new(pending->most_devices);
        if (!fresh)
            return;
        map_free(pending->devices, free_waiting);
        pending->devices = fresh;
        pending->bytes = 0;
        metric_set(pending->held, 0);
        return;
    }
    waiting->asked_us = began_us;
    for (size_t i = 0; i < open->n_items; i++)
        put(pending, waiting, open->items[i]->id, open->items[i]->name, open->items[i]->payload,
            open->items[i]->expires_at);
    for (struct waiting_command **at = &waiting->commands; *at;)
        if ((*at)->heard_us < began_us)
            drop(pending, at);
        else
            at = &(*at)->next;
}

static void ask(struct pending *pending, const struct directory_device *device, struct arena *arena, int64_t now_us)
{
    Nwims__V1__OpenCommandsRequest request = NWIMS__V1__OPEN_COMMANDS_REQUEST__INIT;
    struct rpc_caller caller = { .tenant_id = device->tenant_id, .actor = "ingest-http" };
    ProtobufCMessage *reply = NULL;
    struct err err = { 0 };
    trace_begin(&caller.trace, NULL);
    request.device_id = wire_constant(device->device_id);
    bool ok = rpc_call(pending->bus, &nwims__v1__registry__descriptor, "ListOpenCommands", &caller, &request.base,
        ASK_MS, arena, &reply, NULL, &err);
    metric_add(pending->asked, 1);
    if (!ok)
        log_debug(NULL, "commands.unknown", LOG_TEXT("device", device->device_id), LOG_ERR(&err));
    pthread_mutex_lock(&pending->lock);
    if (ok)
        learn(pending, device->device_id, (const Nwims__V1__ListCommandsReply *)reply, now_us);
    else
        pending->rest_until_us = clock_monotonic_us() + REST_US;
    pthread_mutex_unlock(&pending->lock);
}

/* ---- giving out ---- */
static bool give(struct waiting_command *command, struct arena *arena, struct pending_command *out)
{
    *out = (struct pending_command){ .name = arena_text(arena, command->name),
        .payload = arena_text(arena, command->payload[0] != '\0' ? command->payload : "{}"),
        .expires_at = command->expires_at,
        .is_first = !command->was_given };
    memcpy(out->id, command->id, sizeof out->id);
    if (!out->name || !out->payload)
        return false;
    command->was_given = true;
    return true;
}

size_t pending_take(struct pending *pending, const struct directory_device *device, struct arena *arena,
    struct pending_command *out_commands, size_t most)
{
    size_t count = 0;
    int64_t now_us = clock_monotonic_us(), today_us = clock_now_us();
    if (must_ask(pending, device->device_id, now_us))
        ask(pending, device, arena, now_us);
    pthread_mutex_lock(&pending->lock);
    struct waiting *waiting = waiting_of(pending, device->device_id, false);
    for (struct waiting_command **at = waiting ? &waiting->commands : NULL; at && *at && count < most;) {
        if ((*at)->expires_at > 0 && (*at)->expires_at <= today_us) {
            drop(pending, at);
            continue;
        }
        if (!give(*at, arena, &out_commands[count]))
            break;
        count++;
        at = &(*at)->next;
    }
    pthread_mutex_unlock(&pending->lock);
    return count;
}

void pending_forget(struct pending *pending, const char *device_id, const char *command_id)
{
    pthread_mutex_lock(&pending->lock);
    remove_command(pending, device_id, command_id);
    pthread_mutex_unlock(&pending->lock);
}
