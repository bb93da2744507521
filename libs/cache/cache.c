#include "base/clock.h"
#include "base/text.h"
#include "cache/cache_internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STORES = 2048, GENERATION_KEEP_S = 7 * 24 * 3600, KEEPER_STACK_BYTES = 256 * 1024 };

/* ---- generations ---- */

struct wanted {
    int32_t tenant_id;
    enum cache_kind kind;
    char name[CACHE_GENERATION_NAME_SIZE];
    char fresh[20]; /* 16 hex digits */
};

static size_t list_wanted(struct wanted wanted[CACHE_KIND_COUNT + 1], const struct cache_stamp *stamp)
{
    size_t count = 0;
    if (stamp->all_is_missing)
        wanted[count++] = (struct wanted){ .tenant_id = 0, .kind = CACHE_KIND_ANY };
    for (enum cache_kind kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (stamp->missing & cache_kind_bit(kind))
            wanted[count++] = (struct wanted){ .tenant_id = stamp->tenant_id, .kind = kind };
    for (size_t i = 0; i < count; i++)
        cache_generation_name(wanted[i].name, wanted[i].tenant_id, wanted[i].kind);
    return count;
}

static bool read_number(const struct redis_answer *answer, const struct buffer *texts, uint64_t *out_number)
{
    char text[17];
    char *end;
    if (answer->type != REDIS_TEXT || answer->size != 16)
        return false;
    memcpy(text, texts->data + answer->at, 16);
    text[16] = '\0';
    *out_number = strtoull(text, &end, 16);
    return *end == '\0' && *out_number != 0;
}

/* One trip: each is made if it is not there, then read. A number is never used twice, so one that Redis has lost (it
 * was full, it was restarted) is a new one. */
static void learn_shared(struct cache *cache, const struct cache_stamp *stamp)
{
    struct wanted wanted[CACHE_KIND_COUNT + 1];
    struct redis_command commands[2 * (CACHE_KIND_COUNT + 1)];
    struct redis_answer answers[2 * (CACHE_KIND_COUNT + 1)];
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = 16 * 1024 };
    size_t count = list_wanted(wanted, stamp);
    char keep[16];
    int keep_length = snprintf(keep, sizeof keep, "%d", (int)GENERATION_KEEP_S);
    for (size_t i = 0; i < count; i++) {
        const struct redis_word name = { wanted[i].name, strlen(wanted[i].name) };
        snprintf(wanted[i].fresh, sizeof wanted[i].fresh, "%016" PRIx64, cache_generation_new());
        commands[2 * i] = (struct redis_command){
            { { "SET", 3 }, name, { wanted[i].fresh, 16 }, { "EX", 2 }, { keep, (size_t)keep_length }, { "NX", 2 } }, 6
        };
        commands[2 * i + 1] = (struct redis_command){ { { "GET", 3 }, name }, 2 };
    }
    if (!redis_run(cache->redis, commands, 2 * count, answers, &texts))
        return;
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        if (read_number(&answers[2 * i + 1], &texts, &number))
            cache_generations_learn(cache->generations, stamp, wanted[i].tenant_id == 0, wanted[i].kind, number, true);
    }
}

/* Without Redis: numbers of our own, good for our own memory. */
static void learn_own(struct cache *cache, const struct cache_stamp *stamp)
{
    struct wanted wanted[CACHE_KIND_COUNT + 1];
    size_t count = list_wanted(wanted, stamp);
    for (size_t i = 0; i < count; i++)
        cache_generations_learn(
            cache->generations, stamp, wanted[i].tenant_id == 0, wanted[i].kind, cache_generation_new(), false);
}

static bool is_known(const struct cache_stamp *stamp)
{
    return stamp->missing == 0 && !stamp->all_is_missing;
}

static bool look(struct cache *cache, int32_t tenant_id, unsigned kinds, struct cache_stamp *out_stamp)
{
    cache_generations_look(cache->generations, tenant_id, kinds, out_stamp);
    if (!is_known(out_stamp) && cache_group_trusts_redis(cache->group)) {
        learn_shared(cache, out_stamp);
        cache_generations_look(cache->generations, tenant_id, kinds, out_stamp);
    }
    if (!is_known(out_stamp)) {
        learn_own(cache, out_stamp);
        cache_generations_look(cache->generations, tenant_id, kinds, out_stamp);
    }
    /* Other policies, other answers: what was kept under the old ones ends with them. */
    out_stamp->value ^= (uint64_t)atomic_load_explicit(&cache->policies_version, memory_order_relaxed);
    return is_known(out_stamp); /* not so if something was forgotten just now: once more would be a race without end */
}

/* ---- the two levels ---- */

static int64_t keep_ms(const struct cache *cache, enum cache_class class)
{
    return atomic_load_explicit(&cache->keep_ms[class], memory_order_relaxed);
}

static int64_t memory_ms(const struct cache *cache, enum cache_class class)
{
    return atomic_load_explicit(&cache->memory_ms[class], memory_order_relaxed);
}

static bool may_use_redis(struct cache *cache, const struct cache_stamp *stamp)
{
    return stamp->is_shared && cache_group_trusts_redis(cache->group);
}

static void keep_in_memory(struct cache *cache, struct cache_lookup *lookup, int64_t expires_us)
{
    lookup->entry->stamp = lookup->stamp.value;
    lookup->entry->expires_us = expires_us;
    if (expires_us > clock_monotonic_us())
        cache_memory_put(cache->memory, lookup->entry);
}

/* What stands in Redis is the ETag, a line end, the body. */
static struct cache_entry *read_answer(const struct cache_key *key, const char *value, size_t size)
{
    char etag[CACHE_ETAG_SIZE];
    const char *end = memchr(value, '\n', size < CACHE_ETAG_SIZE ? size : CACHE_ETAG_SIZE);
    if (!end || !text_copy(etag, sizeof etag, value, (size_t)(end - value)))
        return NULL;
    return cache_entry_new(key, etag, end + 1, size - (size_t)(end + 1 - value));
}

/* The answer and how long it is still good, in one trip. */
static bool find_in_redis(struct cache *cache, struct cache_lookup *lookup)
{
    char name[CACHE_NAME_SIZE];
    struct redis_answer answers[2];
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = CACHE_LARGEST_BODY + CACHE_ETAG_SIZE + 64 };
    int64_t asked_us = clock_monotonic_us();
    cache_answer_name(name, &lookup->key, lookup->stamp.value);
    const struct redis_word word = { name, strlen(name) };
    const struct redis_command commands[] = { { { { "GET", 3 }, word }, 2 }, { { { "PTTL", 4 }, word }, 2 } };
    if (!redis_run(cache->redis, commands, 2, answers, &texts) || answers[0].type != REDIS_TEXT ||
        answers[1].type != REDIS_NUMBER || answers[1].number <= 0)
        return false;
    lookup->entry = read_answer(&lookup->key, texts.data + answers[0].at, answers[0].size);
    if (!lookup->entry)
        return false;
    int64_t left_ms = answers[1].number, most_ms = memory_ms(cache, lookup->class);
    keep_in_memory(cache, lookup, asked_us + (left_ms < most_ms ? left_ms : most_ms) * 1000);
    return true;
}

/* ---- reading through it ---- */

static enum cache_outcome count(
    struct cache *cache, const struct cache_lookup *lookup, enum cache_result result, enum cache_outcome outcome)
{
    metric_add(cache->results[lookup->class][result], 1);
    return outcome;
}

static enum cache_outcome join(
    struct cache *cache, struct cache_lookup *lookup, const struct cache_question *question, int64_t deadline_us)
{
    switch (cache_flight_join(
        cache->flights, &lookup->key, lookup->stamp.value, deadline_us, &lookup->flight, &lookup->entry)) {
    case CACHE_JOIN_GOT:
        return count(cache, lookup, CACHE_FROM_FLIGHT, CACHE_HIT);
    case CACHE_JOIN_LATE:
        return count(cache, lookup, CACHE_PASSED, CACHE_LATE);
    case CACHE_JOIN_FAILED:
        return count(cache, lookup, CACHE_PASSED, CACHE_PASS);
    case CACHE_JOIN_LEADS:
        break;
    }
    cache_asked_tell(cache, lookup->class, question);
    if (!may_use_redis(cache, &lookup->stamp) || !find_in_redis(cache, lookup))
        return count(cache, lookup, CACHE_MISSED, CACHE_LEAD);
    cache_flight_end(TAKE(lookup->flight), lookup->entry);
    return count(cache, lookup, CACHE_FROM_REDIS, CACHE_HIT);
}

enum cache_outcome cache_find(struct cache *cache, struct cache_lookup *lookup, enum cache_class class,
    const struct cache_question *question, unsigned kinds, int64_t arrived_us, int64_t deadline_us)
{
    lookup->class = class;
    lookup->flight = NULL;
    lookup->entry = NULL;
    if (keep_ms(cache, class) == 0 || !cache_group_may_use(cache->group, arrived_us) ||
        !cache_key_make(&lookup->key, question) || !look(cache, question->tenant_id, kinds, &lookup->stamp))
        return count(cache, lookup, CACHE_PASSED, CACHE_PASS);
    lookup->began_us = clock_monotonic_us();
    lookup->entry = cache_memory_get(cache->memory, &lookup->key, lookup->stamp.value, lookup->began_us);
    if (lookup->entry)
        return count(cache, lookup, CACHE_FROM_MEMORY, CACHE_HIT);
    return join(cache, lookup, question, deadline_us);
}

void cache_fill(struct cache *cache, struct cache_lookup *lookup, const char *etag, const void *body, size_t size)
{
    char name[CACHE_NAME_SIZE];
    lookup->entry = cache_entry_new(&lookup->key, etag, body, size);
    if (!lookup->entry)
        return;
    keep_in_memory(cache, lookup, lookup->began_us + memory_ms(cache, lookup->class) * 1000);
    cache_flight_end(TAKE(lookup->flight), lookup->entry);
    if (!may_use_redis(cache, &lookup->stamp))
        return;
    cache_answer_name(name, &lookup->key, lookup->stamp.value);
    cache_keeper_put(cache, lookup->entry, name, lookup->began_us + keep_ms(cache, lookup->class) * 1000, 0);
}

void cache_lookup_done(struct cache *cache, struct cache_lookup *lookup)
{
    (void)cache;
    if (lookup->flight)
        cache_flight_end(TAKE(lookup->flight), NULL);
    cache_entry_release(TAKE(lookup->entry));
}

/* ---- filling it beforehand ---- */

bool cache_stamp_now(struct cache *cache, int32_t tenant_id, unsigned kinds, struct cache_stamp *out_stamp)
{
    return cache_group_may_use(cache->group, clock_monotonic_us()) && look(cache, tenant_id, kinds, out_stamp) &&
           may_use_redis(cache, out_stamp);
}

bool cache_put(struct cache *cache, enum cache_class class, const struct cache_question *question,
    const struct cache_stamp *stamp, int64_t began_us, const char *etag, const void *body, size_t size, int64_t wait_ms)
{
    struct cache_key key;
    char name[CACHE_NAME_SIZE];
    if (keep_ms(cache, class) == 0 || !cache_key_make(&key, question))
        return false;
    AUTO(cache_entry) entry = cache_entry_new(&key, etag, body, size);
    cache_answer_name(name, &key, stamp->value);
    return entry && cache_keeper_put(cache, entry, name, began_us + keep_ms(cache, class) * 1000, wait_ms);
}

/* ---- making worthless ---- */

bool cache_bump(struct cache *cache, int32_t tenant_id, unsigned kinds)
{
    return kinds == 0 || cache_group_bump(cache->group, tenant_id, kinds);
}

/* ---- life ---- */

static bool start_keeper(struct cache *cache, struct err *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, KEEPER_STACK_BYTES);
    cache->has_keeper = pthread_create(&cache->keeper, &attributes, cache_keeper_run, cache) == 0;
    pthread_attr_destroy(&attributes);
    return cache->has_keeper || err_set(err, ERR_LIMIT, "no thread for the cache");
}

static bool open_parts(struct cache *cache, struct err *err)
{
    cache->generations = cache_generations_new();
    cache->memory = cache_memory_new((size_t)cache->config.memory_bytes);
    cache->flights = cache_flights_new();
    cache->stores = queue_new(MOST_STORES);
    if (!cache->generations || !cache->memory || !cache->flights || !cache->stores)
        return err_set(err, ERR_LIMIT, "no memory for the cache");
    if (!redis_open(&cache->redis, &cache->config.redis, err))
        return false;
    struct cache_group_config group = { .bus = cache->config.bus,
        .redis = cache->redis,
        .generations = cache->generations,
        .hooks = { .context = cache } };
    cache_policies_hooks(cache, &group.hooks);
    return cache_group_open(&cache->group, &group, err) && cache_asked_listen(cache, err) && start_keeper(cache, err);
}

bool cache_open(struct cache **out_cache, const struct cache_config *config, struct err *err)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return err_set(err, ERR_LIMIT, "no memory for the cache");
    struct uuid id = uuid_new();
    cache->config = *config;
    uuid_format(cache->holder, &id);
    pthread_mutex_init(&cache->policies_lock, NULL);
    cache_policies_apply(cache, &cache_policies_preset);
    cache_metrics_init(cache);
    if (!open_parts(cache, err)) {
        cache_close(cache);
        return false;
    }
    *out_cache = cache;
    return true;
}

void cache_close(struct cache *cache)
{
    if (!cache)
        return;
    atomic_store(&cache->must_stop, true);
    if (cache->stores)
        queue_close(cache->stores);
    if (cache->has_keeper)
        pthread_join(cache->keeper, NULL);
    bus_subscription_close(cache->asked);
    cache_group_close(cache->group);
    queue_free(cache->stores);
    redis_close(cache->redis);
    cache_flights_free(cache->flights);
    cache_memory_free(cache->memory);
    cache_generations_free(cache->generations);
    pthread_mutex_destroy(&cache->policies_lock);
    free(cache);
}
