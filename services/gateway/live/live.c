#include "live/live.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/text.h"
#include "base/time_text.h"
#include "base/uuid.h"
#include "live/live_internal.h"
#include "nwims/v1/readings.pb-c.h"
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 4096, ARENA_BYTES = 64 * 1024 * 1024, GATHER_MS = 100 };
/* Many changes make one look at the registry. */
static const int64_t reload_after_us = 2 * 1000000;

/* What people watch; users, keys and credentials are nobody's business here. */
static const char *const shown_entities[] = { "region", "municipality", "zone", "site", "asset", "device", "sensor" };

/* ---- one message for all groups of its tenant ----------------------------------------------------------------------
 */

static void put_reading(struct live_group *group, const Nwims__V1__ReadingBatch *batch, size_t i)
{
    const struct live_sensor *sensor = live_group_sensor(group, batch->sensor_no[i]);
    struct json_writer writer;
    char time[TIME_TEXT_SIZE];
    if (!sensor)
        return;
    if (group->pending.size > EVENT_BYTES)
        live_ring_flush(group);
    buffer_put_text(&group->pending, group->pending.size == 0 ? "{\"items\":[" : ",");
    json_writer_init(&writer, &group->pending);
    time_text_format(time, batch->base_at + batch->observed_delta_us[i]);
    json_begin_object(&writer);
    json_put_text(&writer, "sensor_id", sensor->code);
    json_put_text(&writer, "observed_at", time);
    json_key(&writer, "value");
    json_double(&writer, batch->value[i]);
    if (sensor->unit[0])
        json_put_text(&writer, "unit", sensor->unit);
    if (batch->n_status > i && batch->status[i] != 0)
        json_put_int(&writer, "status", batch->status[i]);
    if (batch->n_flags > i && batch->flags[i] != 0)
        json_put_int(&writer, "flags", batch->flags[i]);
    json_end_object(&writer);
}

static void put_readings(struct live_group *group, const Nwims__V1__ReadingBatch *batch)
{
    pthread_mutex_lock(&group->lock);
    for (size_t i = 0; i < batch->n_sensor_no; i++)
        put_reading(group, batch, i);
    pthread_mutex_unlock(&group->lock);
}

static bool is_shown(const char *entity)
{
    for (size_t i = 0; i < COUNT_OF(shown_entities); i++)
        if (text_equal(entity, shown_entities[i]))
            return true;
    return false;
}

/* Of what lies where, only sensors are known here: who sees a part of the tenant, or asked for one, is told of these.
 */
static void put_change(struct live_group *group, const Nwims__V1__EntityChanged *change)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    char time[TIME_TEXT_SIZE];
    bool sees_all =
        !group->caller.scope[0] && !group->municipality_id && !group->zone_id && !group->kind && group->name_count == 0;
    json_writer_init(&writer, &json);
    time_text_format(time, change->changed_at);
    json_begin_object(&writer);
    json_put_text(&writer, "entity", change->entity);
    json_put_text(&writer, "id", change->id);
    if (change->code && *change->code)
        json_put_text(&writer, "code", change->code);
    json_put_text(&writer, "change", change->change);
    json_put_text(&writer, "changed_at", time);
    json_end_object(&writer);
    pthread_mutex_lock(&group->lock);
    if (buffer_ok(&json) && (sees_all || live_group_sensor_by_id(group, change->id)))
        live_ring_put(group, "change", json.data, json.size);
    pthread_mutex_unlock(&group->lock);
    if (text_equal(change->entity, "sensor"))
        atomic_store(&group->is_stale, true);
}

static int32_t tenant_of(const char *subject)
{
    return (int32_t)strtol(subject + strcspn(subject, ".") + 1, NULL, 10);
}

static bool has_group(struct live *live, int32_t tenant_id)
{
    bool has = false;
    pthread_mutex_lock(&live->lock);
    for (const struct live_group *group = live->groups; group && !has; group = group->next)
        has = group->caller.tenant_id == tenant_id;
    pthread_mutex_unlock(&live->lock);
    return has;
}

static void tell(struct live *live, const struct bus_message *message, struct arena *arena)
{
    const char *subject = bus_message_subject(message);
    int32_t tenant_id = tenant_of(subject);
    bool is_readings = strncmp(subject, "readings.", 9) == 0;
    const ProtobufCMessageDescriptor *type =
        is_readings ? &nwims__v1__reading_batch__descriptor : &nwims__v1__entity_changed__descriptor;
    ProtobufCMessage *decoded = NULL;
    struct err err = { 0 };
    arena_reset(arena);
    if (!has_group(live, tenant_id) ||
        !wire_decode(&decoded, arena, type, bus_message_data(message), bus_message_size(message), &err))
        return;
    const Nwims__V1__ReadingBatch *batch = (const Nwims__V1__ReadingBatch *)decoded;
    const Nwims__V1__EntityChanged *change = (const Nwims__V1__EntityChanged *)decoded;
    if (is_readings ? batch->n_observed_delta_us < batch->n_sensor_no || batch->n_value < batch->n_sensor_no
                    : !is_shown(change->entity) || !change->id || !change->change)
        return;
    /* Groups are taken off the list, and freed, under this lock only. */
    pthread_mutex_lock(&live->lock);
    for (struct live_group *group = live->groups; group; group = group->next)
        if (group->caller.tenant_id == tenant_id)
            is_readings ? put_readings(group, batch) : put_change(group, change);
    pthread_mutex_unlock(&live->lock);
}

/* ---- the threads ----------------------------------------------------------------------------------------------------
 */

static void flush(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    for (struct live_group *group = live->groups; group; group = group->next) {
        pthread_mutex_lock(&group->lock);
        live_ring_flush(group);
        pthread_mutex_unlock(&group->lock);
    }
    pthread_mutex_unlock(&live->lock);
}

/* One that is due for another look at the registry, held as a watcher would hold it. */
static struct live_group *stale_group(struct live *live)
{
    int64_t now_us = clock_monotonic_us();
    pthread_mutex_lock(&live->lock);
    struct live_group *group = live->groups;
    while (group && !(atomic_load(&group->is_stale) && now_us - group->loaded_us > reload_after_us))
        group = group->next;
    if (group) {
        group->watchers++;
        live->watchers++;
    }
    pthread_mutex_unlock(&live->lock);
    return group;
}

static void reload_one(struct live *live)
{
    struct err err = { 0 };
    struct live_group *group = stale_group(live);
    if (!group)
        return;
    atomic_store(&group->is_stale, false);
    if (!live_group_load(group, &err)) {
        log_warn(NULL, "live.sensors_unknown", LOG_COUNT("tenant_id", group->caller.tenant_id), LOG_ERR(&err));
        atomic_store(&group->is_stale, true);
        group->loaded_us = clock_monotonic_us(); /* not at once again */
    }
    live_group_leave(group);
}

/* Apart from the teller, so that a registry that is away holds no reading up. */
static void *keep_loaded(void *argument)
{
    struct live *live = argument;
    while (!atomic_load(&live->is_closing)) {
        clock_sleep_ms(GATHER_MS);
        reload_one(live);
    }
    return NULL;
}

static void *tell_all(void *argument)
{
    struct live *live = argument;
    struct arena arena;
    int64_t flushed_us = clock_monotonic_us();
    arena_init(&arena, ARENA_BYTES);
    while (!atomic_load(&live->is_closing)) {
        struct bus_message *message = queue_pop(live->messages, GATHER_MS / 2);
        if (message)
            tell(live, message, &arena);
        bus_message_close(message);
        if (clock_monotonic_us() - flushed_us >= GATHER_MS * 1000) {
            flush(live);
            flushed_us = clock_monotonic_us();
        }
    }
    arena_done(&arena);
    return NULL;
}

/* On the bus' thread. Nobody watches most of the time: then nothing is queued. */
static void on_message_take(void *context, struct bus_message *message)
{
    struct live *live = context;
    pthread_mutex_lock(&live->lock);
    bool is_watched = live->groups != NULL;
    pthread_mutex_unlock(&live->lock);
    if (is_watched && queue_push(live->messages, message, 0))
        return;
    metric_add(live->dropped, is_watched);
    bus_message_close(message);
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */

static void make_metrics(struct live *live)
{
    live->watching = metrics_gauge("nwims_gateway_stream_watchers", NULL, "Open streams of readings and changes.");
    live->lost =
        metrics_counter("nwims_gateway_stream_slow_total", NULL, "Streams ended because their reader was too slow.");
    live->dropped = metrics_counter("nwims_gateway_stream_dropped_total", NULL,
        "Messages of the bus that streams did not get: more came than could be given out.");
    live->sent = metrics_counter("nwims_gateway_stream_events_total", NULL, "Events given to streams.");
}

bool live_open(struct live **out_live, struct bus *bus, const struct live_config *config, struct err *err)
{
    AUTO(live) live = calloc(1, sizeof *live);
    unsigned char chance[8];
    if (!live || !(live->messages = queue_new(QUEUE)))
        return err_set(err, ERR_LIMIT, "no memory for streams");
    live->bus = bus;
    live->config = *config;
    random_bytes(chance, sizeof chance);
    text_hex(live->instance, chance, sizeof chance);
    pthread_mutex_init(&live->lock, NULL);
    make_metrics(live);
    live->has_teller = pthread_create(&live->teller, NULL, tell_all, live) == 0;
    live->has_reloader = pthread_create(&live->reloader, NULL, keep_loaded, live) == 0;
    if (!live->has_teller || !live->has_reloader)
        return err_set(err, ERR_LIMIT, "no thread for streams");
    if (!bus_subscribe(&live->readings, bus, "readings.>", NULL, on_message_take, live, err) ||
        !bus_subscribe(&live->events, bus, "events.>", NULL, on_message_take, live, err))
        return false;
    *out_live = TAKE(live);
    return true;
}

void live_close(struct live *live)
{
    if (!live)
        return;
    bus_subscription_close(live->readings);
    bus_subscription_close(live->events);
    atomic_store(&live->is_closing, true);
    if (live->has_teller)
        pthread_join(live->teller, NULL);
    if (live->has_reloader)
        pthread_join(live->reloader, NULL);
    for (struct bus_message *message; live->messages && (message = queue_pop(live->messages, 0));)
        bus_message_close(message);
    queue_free(live->messages);
    free(live);
}
