#include "device_watch.h"
#include "base/log.h"
#include "base/rounds.h"
#include "command_store.h"
#include "event_feed.h"
#include "gaps_store.h"
#include "presence_store.h"
#include "refusal_store.h"
#include <stdlib.h>

enum { ROUND_MS = 1000, ROUNDS_TO_REPEAT = 10, ROUNDS_TO_PURGE = 600, MOST_LAPS = 20 };

struct device_watch {
    struct registry *registry;
    struct event_feed *presence, *gaps, *results, *refusals;
    struct rounds *rounds;
    unsigned round;
};

static bool take_presence(struct registry *registry, const ProtobufCMessage *const *events, size_t count,
    struct arena *arena, struct err *err)
{
    struct presence *presences;
    size_t devices;
    return presence_fold((const Nwims__V1__DevicePresence *const *)(const void *)events, count, arena, &presences,
               &devices, err) &&
           presence_store_take(registry, presences, devices, arena, err);
}

static bool take_gaps(struct registry *registry, const ProtobufCMessage *const *events, size_t count,
    struct arena *arena, struct err *err)
{
    (void)arena;
    return gaps_store_take(registry, (const Nwims__V1__DeviceGaps *const *)(const void *)events, count, err);
}

static bool take_results(struct registry *registry, const ProtobufCMessage *const *events, size_t count,
    struct arena *arena, struct err *err)
{
    (void)arena;
    return command_store_take_results(
        registry, (const Nwims__V1__CommandResult *const *)(const void *)events, count, err);
}

static bool take_refusals(struct registry *registry, const ProtobufCMessage *const *events, size_t count,
    struct arena *arena, struct err *err)
{
    return refusal_store_take(registry, (const Nwims__V1__Refused *const *)(const void *)events, count, arena, err);
}

/* ---- time ---- */
typedef bool chore_of_devices(struct registry *registry, size_t *out_count, struct err *err);

/* As long as there is more to do, within reason: the rest in the next round. */
static void do_chore(struct device_watch *watch, const char *name, chore_of_devices *chore)
{
    size_t count = 1, all = 0;
    for (int lap = 0; count > 0 && lap < MOST_LAPS; lap++) {
        struct err err = { 0 };
        if (!chore(watch->registry, &count, &err)) {
            log_warn(NULL, "chore.failed", LOG_TEXT("chore", name), LOG_TEXT("kind", err_kind_name(err.kind)),
                LOG_ERR(&err));
            return;
        }
        all += count;
    }
    if (all > 0)
        log_debug(NULL, "chore.done", LOG_TEXT("chore", name), LOG_COUNT("count", all));
}

static int64_t run(void *context)
{
    struct device_watch *watch = context;
    watch->round++;
    do_chore(watch, "expire", command_store_expire);
    if (watch->round % ROUNDS_TO_REPEAT == 0)
        do_chore(watch, "repeat", command_store_repeat);
    if (watch->round % ROUNDS_TO_PURGE == 0) {
        do_chore(watch, "purge", command_store_purge);
        do_chore(watch, "purge_refusals", refusal_store_purge);
    }
    return ROUND_MS;
}

bool device_watch_start(struct device_watch **out_watch, struct registry *registry, struct err *err)
{
    static const struct event_feed_config presence = { .durable = "registry-presence",
        .filter = "events.*.presence",
        .type = &nwims__v1__device_presence__descriptor,
        .take = take_presence };
    static const struct event_feed_config gaps = { .durable = "registry-gaps",
        .filter = "events.*.gaps",
        .type = &nwims__v1__device_gaps__descriptor,
        .take = take_gaps };
    static const struct event_feed_config results = { .durable = "registry-command-results",
        .filter = "events.*.command-result",
        .type = &nwims__v1__command_result__descriptor,
        .take = take_results };
    static const struct event_feed_config refusals = { .stream = "REFUSED",
        .durable = "registry-refusals",
        .filter = "refused.>",
        .type = &nwims__v1__refused__descriptor,
        .take = take_refusals };
    struct device_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return err_set(err, ERR_LIMIT, "no memory to follow devices");
    watch->registry = registry;
    const struct rounds_config rounds = {
        .what = "the time of commands", .run = run, .context = watch, .first_ms = ROUND_MS
    };
    bool ok = event_feed_start(&watch->presence, registry, &presence, err) &&
              event_feed_start(&watch->gaps, registry, &gaps, err) &&
              event_feed_start(&watch->results, registry, &results, err) &&
              event_feed_start(&watch->refusals, registry, &refusals, err) &&
              rounds_start(&watch->rounds, &rounds, err);
    if (ok)
        *out_watch = watch;
    else
        device_watch_stop(watch);
    return ok;
}

void device_watch_stop(struct device_watch *watch)
{
    if (!watch)
        return;
    rounds_stop(watch->rounds);
    event_feed_stop(watch->refusals);
    event_feed_stop(watch->results);
    event_feed_stop(watch->gaps);
    event_feed_stop(watch->presence);
    free(watch);
}
