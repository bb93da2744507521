#include "base/number.h"
#include "cache/cache_internal.h"
#include <stdio.h>
#include <string.h>

static char labels[CACHE_CLASS_COUNT][CACHE_RESULT_COUNT][64];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_labels(void)
{
    static const char *const results[] = { [CACHE_FROM_MEMORY] = "memory",
        [CACHE_FROM_REDIS] = "redis",
        [CACHE_FROM_FLIGHT] = "shared",
        [CACHE_MISSED] = "miss",
        [CACHE_PASSED] = "pass" };
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++)
        for (size_t result = 0; result < CACHE_RESULT_COUNT; result++)
            snprintf(labels[class][result], sizeof labels[class][result], "class=\"%s\",result=\"%s\"",
                cache_class_name(class), results[result]);
}

void cache_metrics_init(struct cache *cache)
{
    static const char stores[] = "nwims_cache_stores_total", help[] = "Answers on their way into Redis.";
    pthread_once(&once, make_labels);
    for (enum cache_class class = CACHE_NONE; class < CACHE_CLASS_COUNT; class ++)
        for (size_t result = 0; result < CACHE_RESULT_COUNT; result++)
            cache->results[class][result] =
                metrics_counter("nwims_cache_requests_total", labels[class ? class : CACHE_ENTITY][result],
                    "Requests of cached routes by where the answer came from.");
    cache->stored = metrics_counter(stores, "result=\"stored\"", help);
    cache->dropped = metrics_counter(stores, "result=\"dropped\"", help);
    cache->refused = metrics_counter(stores, "result=\"refused\"", help);
    cache->memory_bytes = metrics_gauge("nwims_cache_memory_bytes", NULL, "Bytes of the answers in memory.");
    cache->memory_entries = metrics_gauge("nwims_cache_memory_entries", NULL, "Answers in memory.");
    cache->memory_evictions =
        metrics_gauge("nwims_cache_memory_evictions", NULL, "Answers that went from memory for room, since the start.");
}

void cache_metrics_look(struct cache *cache)
{
    struct cache_memory_figures figures = cache_memory_figures(cache->memory);
    metric_set(cache->memory_bytes, (double)figures.bytes);
    metric_set(cache->memory_entries, (double)figures.entries);
    metric_set(cache->memory_evictions, (double)figures.evictions);
}

static uint64_t value_of(const struct metric *metric)
{
    return (uint64_t)metric_value(metric);
}

void cache_statistics_get(struct cache *cache, struct cache_statistics *out_statistics)
{
    struct cache_memory_figures memory = cache_memory_figures(cache->memory);
    struct cache_group_figures group = cache_group_figures(cache->group);
    *out_statistics = (struct cache_statistics){ .memory_entries = memory.entries,
        .memory_bytes = memory.bytes,
        .memory_ceiling_bytes = (uint64_t)cache->config.memory_bytes,
        .memory_evictions = memory.evictions,
        .redis_stored = value_of(cache->stored),
        .redis_dropped = value_of(cache->dropped),
        .redis_refused = value_of(cache->refused),
        .redis = redis_state(cache->redis),
        .redis_is_trusted = cache_group_trusts_redis(cache->group),
        .members = group.members,
        .has_lease = group.has_lease };
    snprintf(out_statistics->member, sizeof out_statistics->member, "%s", cache_group_member(cache->group));
    snprintf(out_statistics->service, sizeof out_statistics->service, "%s", cache->config.service);
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++)
        for (size_t result = 0; result < CACHE_RESULT_COUNT; result++)
            out_statistics->results[class][result] = value_of(cache->results[class][result]);
}

size_t cache_statistics_of_all(struct cache *cache, struct cache_statistics out_statistics[CACHE_MOST_MEMBERS])
{
    cache_statistics_get(cache, &out_statistics[0]);
    return 1 + cache_group_statistics(cache->group, out_statistics + 1, CACHE_MOST_MEMBERS - 1);
}

/* "used_memory:1234\r\n" */
static bool read_figure(const char *info, const char *name, int64_t *out_number)
{
    const char *at = strstr(info, name);
    const char *number = at ? at + strlen(name) : "";
    return number_parse_int(number, strspn(number, "0123456789"), out_number);
}

bool cache_redis_figures_get(struct cache *cache, struct cache_redis_figures *out_figures)
{
    static const struct redis_command info = { { { "INFO", 4 }, { "everything", 10 } }, 2 };
    struct redis_answer answer;
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = 64 * 1024 };
    if (!redis_run(cache->redis, &info, 1, &answer, &texts) || answer.type != REDIS_TEXT)
        return false;
    buffer_put(&texts, "", 1);
    return buffer_ok(&texts) && read_figure(texts.data, "\nused_memory:", &out_figures->bytes) &&
           read_figure(texts.data, "\nevicted_keys:", &out_figures->evictions);
}
