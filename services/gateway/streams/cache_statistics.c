#include "streams/cache_statistics.h"
#include "nwims/v1/cache.pb-c.h"
#include "rpc_exchange.h"

const struct hand_written get_cache_statistics_manual = {
    .operation_id = "GetCacheStatistics",
    .summary = "Where answers came from, how much is kept and what had to go: of every gateway, and together.",
    .reply = &nwims__v1__cache_statistics__descriptor,
};

static void add_up(struct cache_statistics *sum, const struct cache_statistics *one)
{
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++)
        for (size_t result = 0; result < CACHE_RESULT_COUNT; result++)
            sum->results[class][result] += one->results[class][result];
    sum->memory_entries += one->memory_entries;
    sum->memory_bytes += one->memory_bytes;
    sum->memory_evictions += one->memory_evictions;
    sum->redis_stored += one->redis_stored;
    sum->redis_dropped += one->redis_dropped;
    sum->redis_refused += one->redis_refused;
}

static double hit_rate(const struct cache_statistics *sum)
{
    uint64_t hits = 0, all = 0;
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++)
        for (size_t result = 0; result < CACHE_RESULT_COUNT; result++) {
            all += sum->results[class][result];
            hits += result < CACHE_MISSED ? sum->results[class][result] : 0;
        }
    return all > 0 ? (double)hits / (double)all : 0;
}

static void fill_sums(Nwims__V1__CacheStatistics *reply, const struct cache_statistics *sum)
{
    reply->has_hit_rate = reply->has_memory_entries = reply->has_memory_bytes = reply->has_memory_evictions = true;
    reply->has_redis_stored = reply->has_redis_dropped = reply->has_redis_refused = true;
    reply->hit_rate = hit_rate(sum);
    reply->memory_entries = (int64_t)sum->memory_entries;
    reply->memory_bytes = (int64_t)sum->memory_bytes;
    reply->memory_evictions = (int64_t)sum->memory_evictions;
    reply->redis_stored = (int64_t)sum->redis_stored;
    reply->redis_dropped = (int64_t)sum->redis_dropped;
    reply->redis_refused = (int64_t)sum->redis_refused;
}

void get_cache_statistics(struct exchange *exchange)
{
    Nwims__V1__CacheStatistics reply = NWIMS__V1__CACHE_STATISTICS__INIT;
    Nwims__V1__CacheMember *members[CACHE_MOST_MEMBERS], *together;
    struct cache_statistics *all = arena_alloc(exchange->arena, CACHE_MOST_MEMBERS * sizeof *all);
    struct cache_statistics sum = { 0 };
    struct cache_redis_figures redis;
    bool ok = all != NULL;
    size_t count = ok ? cache_statistics_of_all(exchange->app->cache, all) : 0;
    reply.members = members;
    for (; ok && reply.n_members < count; reply.n_members += ok) {
        add_up(&sum, &all[reply.n_members]);
        ok = (members[reply.n_members] = cache_statistics_to_message(&all[reply.n_members], exchange->arena)) != NULL;
    }
    ok = ok && (together = cache_statistics_to_message(&sum, exchange->arena)) != NULL;
    if (!ok) {
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
        return;
    }
    reply.classes = together->classes;
    reply.n_classes = together->n_classes;
    fill_sums(&reply, &sum);
    reply.has_redis_bytes = reply.has_redis_evictions = cache_redis_figures_get(exchange->app->cache, &redis);
    if (reply.has_redis_bytes) {
        reply.redis_bytes = redis.bytes;
        reply.redis_evictions = redis.evictions;
    }
    exchange_message(exchange, 200, &reply.base);
}
