#include "cache/cache_statistics.h"
#include "base/arena.h"
#include "base/text.h"
#include "nwims/v1/cache.pb-c.h"
#include "wire/wire.h"
#include <string.h>

static Nwims__V1__CacheClassFigures *class_to_message(
    enum cache_class class, const uint64_t results[CACHE_RESULT_COUNT], struct arena *arena)
{
    Nwims__V1__CacheClassFigures *figures =
        (Nwims__V1__CacheClassFigures *)wire_new(arena, &nwims__v1__cache_class_figures__descriptor);
    if (!figures)
        return NULL;
    figures->class_ = wire_constant(cache_class_name(class));
    figures->has_memory_hits = figures->has_redis_hits = figures->has_shared_hits = true;
    figures->has_misses = figures->has_passed = true;
    figures->memory_hits = (int64_t)results[CACHE_FROM_MEMORY];
    figures->redis_hits = (int64_t)results[CACHE_FROM_REDIS];
    figures->shared_hits = (int64_t)results[CACHE_FROM_FLIGHT];
    figures->misses = (int64_t)results[CACHE_MISSED];
    figures->passed = (int64_t)results[CACHE_PASSED];
    return figures;
}

static void fill_levels(Nwims__V1__CacheMember *message, const struct cache_statistics *statistics)
{
    message->has_memory_entries = message->has_memory_bytes = message->has_memory_ceiling_bytes = true;
    message->has_memory_evictions = message->has_redis_stored = message->has_redis_dropped = true;
    message->has_redis_refused = message->has_is_in_use = true;
    message->memory_entries = (int64_t)statistics->memory_entries;
    message->memory_bytes = (int64_t)statistics->memory_bytes;
    message->memory_ceiling_bytes = (int64_t)statistics->memory_ceiling_bytes;
    message->memory_evictions = (int64_t)statistics->memory_evictions;
    message->redis_stored = (int64_t)statistics->redis_stored;
    message->redis_dropped = (int64_t)statistics->redis_dropped;
    message->redis_refused = (int64_t)statistics->redis_refused;
    message->redis = wire_constant(redis_state_name(statistics->redis));
    message->is_in_use = statistics->has_lease;
}

Nwims__V1__CacheMember *cache_statistics_to_message(const struct cache_statistics *statistics, struct arena *arena)
{
    Nwims__V1__CacheMember *message = (Nwims__V1__CacheMember *)wire_new(arena, &nwims__v1__cache_member__descriptor);
    if (!message || !(message->classes = arena_alloc(arena, CACHE_CLASS_COUNT * sizeof *message->classes)))
        return NULL;
    message->member = wire_constant(statistics->member);
    message->service = wire_constant(statistics->service);
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++)
        if (!(message->classes[message->n_classes++] = class_to_message(class, statistics->results[class], arena)))
            return NULL;
    fill_levels(message, statistics);
    return message;
}

static void read_class(struct cache_statistics *statistics, const Nwims__V1__CacheClassFigures *figures)
{
    enum cache_class class;
    if (!figures->class_ || !cache_class_parse(figures->class_, &class))
        return;
    statistics->results[class][CACHE_FROM_MEMORY] = (uint64_t)figures->memory_hits;
    statistics->results[class][CACHE_FROM_REDIS] = (uint64_t)figures->redis_hits;
    statistics->results[class][CACHE_FROM_FLIGHT] = (uint64_t)figures->shared_hits;
    statistics->results[class][CACHE_MISSED] = (uint64_t)figures->misses;
    statistics->results[class][CACHE_PASSED] = (uint64_t)figures->passed;
}

bool cache_statistics_from_message(struct cache_statistics *out_statistics, const Nwims__V1__CacheMember *message)
{
    *out_statistics = (struct cache_statistics){ .memory_entries = (uint64_t)message->memory_entries,
        .memory_bytes = (uint64_t)message->memory_bytes,
        .memory_ceiling_bytes = (uint64_t)message->memory_ceiling_bytes,
        .memory_evictions = (uint64_t)message->memory_evictions,
        .redis_stored = (uint64_t)message->redis_stored,
        .redis_dropped = (uint64_t)message->redis_dropped,
        .redis_refused = (uint64_t)message->redis_refused,
        .has_lease = message->is_in_use };
    for (enum redis_state state = REDIS_ABSENT; message->redis && state <= REDIS_CLOSED; state++)
        if (strcmp(redis_state_name(state), message->redis) == 0)
            out_statistics->redis = state;
    for (size_t i = 0; i < message->n_classes; i++)
        read_class(out_statistics, message->classes[i]);
    return message->member && message->service &&
           text_copy(out_statistics->member, sizeof out_statistics->member, message->member, strlen(message->member)) &&
           text_copy(
               out_statistics->service, sizeof out_statistics->service, message->service, strlen(message->service));
}
