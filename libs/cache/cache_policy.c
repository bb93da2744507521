/* Policies: set by one, held by all, kept in Redis for those that start when nobody else is there. */
#include "base/clock.h"
#include "base/log.h"
#include "cache/cache_internal.h"
#include "nwims/v1/cache.pb-c.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <string.h>

#define NAME "nwims:policies"
enum { LARGEST_POLICIES = 4096, ARENA_BYTES = 64 * 1024 };

/* What is made from things ends with their generations; its time is only a ceiling. Readings come in past the gateways,
 * so what is made from them lives by the clock, and never longer than a second. */
const struct cache_policies cache_policies_preset = {
    .of = {
        [CACHE_ENTITY] = { 300000, 30000 },
        [CACHE_LIST] = { 300000, 30000 },
        [CACHE_SUMMARY] = { 120000, 30000 },
        [CACHE_SERIES] = { 1000, 1000 },
        [CACHE_LATEST] = { 1000, 1000 },
        [CACHE_STATISTICS] = { 1000, 1000 },
    },
};

bool cache_policies_check(const struct cache_policies *policies, struct err *err)
{
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++) {
        const struct cache_policy *policy = &policies->of[class];
        if (policy->keep_ms < 0 || policy->keep_ms > CACHE_LONGEST_KEEP_MS || policy->memory_ms < 0 ||
            policy->memory_ms > policy->keep_ms)
            return err_set(err, ERR_INPUT,
                "class %s: keep_ms must be 0 to %d, memory_ms 0 to keep_ms (%" PRId64 ", %" PRId64 " were given)",
                cache_class_name(class), CACHE_LONGEST_KEEP_MS, policy->keep_ms, policy->memory_ms);
    }
    return true;
}

void cache_policies_get(struct cache *cache, struct cache_policies *out_policies)
{
    pthread_mutex_lock(&cache->policies_lock);
    out_policies->version = atomic_load(&cache->policies_version);
    for (enum cache_class class = 0; class < CACHE_CLASS_COUNT; class ++)
        out_policies->of[class] = (struct cache_policy){ .keep_ms = atomic_load(&cache->keep_ms[class]),
            .memory_ms = atomic_load(&cache->memory_ms[class]) };
    pthread_mutex_unlock(&cache->policies_lock);
}

/* Those set last win, wherever they come from. */
void cache_policies_apply(struct cache *cache, const struct cache_policies *policies)
{
    pthread_mutex_lock(&cache->policies_lock);
    if (policies->version >= atomic_load(&cache->policies_version)) {
        for (enum cache_class class = 0; class < CACHE_CLASS_COUNT; class ++) {
            atomic_store(&cache->keep_ms[class], policies->of[class].keep_ms);
            atomic_store(&cache->memory_ms[class], policies->of[class].memory_ms);
        }
        atomic_store(&cache->policies_version, policies->version);
    }
    pthread_mutex_unlock(&cache->policies_lock);
}

bool cache_policies_set(struct cache *cache, struct cache_policies *policies, struct err *err)
{
    if (!cache_policies_check(policies, err))
        return false;
    policies->version = clock_now_us();
    cache_policies_apply(cache, policies);
    atomic_store(&cache->must_store_policies, true);
    atomic_store(&cache->must_tell_policies, true);
    return true;
}

/* ---- on the wire and in Redis: the same message ---- */

struct wire_policies {
    Nwims__V1__CachePolicies message;
    Nwims__V1__CachePolicy items[CACHE_CLASS_COUNT];
    Nwims__V1__CachePolicy *list[CACHE_CLASS_COUNT];
};

static void to_wire(struct cache *cache, struct wire_policies *wire)
{
    struct cache_policies policies;
    cache_policies_get(cache, &policies);
    nwims__v1__cache_policies__init(&wire->message);
    wire->message.policies = wire->list;
    wire->message.has_set_at = true;
    wire->message.set_at = policies.version;
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++) {
        Nwims__V1__CachePolicy *item = wire->list[wire->message.n_policies++] = &wire->items[class];
        nwims__v1__cache_policy__init(item);
        item->class_ = wire_constant(cache_class_name(class));
        item->has_keep_ms = item->has_memory_ms = true;
        item->keep_ms = policies.of[class].keep_ms;
        item->memory_ms = policies.of[class].memory_ms;
    }
}

static void from_wire(void *context, const Nwims__V1__CachePolicies *message)
{
    struct cache *cache = context;
    struct cache_policies policies = cache_policies_preset;
    struct err err = { 0 };
    policies.version = message->set_at;
    for (size_t i = 0; i < message->n_policies; i++) {
        enum cache_class class;
        if (message->policies[i]->class_ && cache_class_parse(message->policies[i]->class_, &class))
            policies.of[class] =
                (struct cache_policy){ message->policies[i]->keep_ms, message->policies[i]->memory_ms };
    }
    if (policies.version > 0 && cache_policies_check(&policies, &err))
        cache_policies_apply(cache, &policies);
}

static void note_lacking(void *context)
{
    struct cache *cache = context;
    atomic_store(&cache->must_tell_policies, true);
}

static int64_t version(void *context)
{
    struct cache *cache = context;
    return atomic_load(&cache->policies_version);
}

static void pass_marks(void *context, const struct cache_marks *marks)
{
    struct cache *cache = context;
    if (cache->config.marked)
        cache->config.marked(cache->config.context, marks);
}

static void own_statistics(void *context, struct cache_statistics *out_statistics)
{
    cache_statistics_get(context, out_statistics);
}

void cache_policies_hooks(struct cache *cache, struct cache_group_hooks *hooks)
{
    *hooks = (struct cache_group_hooks){ .context = cache,
        .marked = pass_marks,
        .policies = from_wire,
        .policies_lacking = note_lacking,
        .policies_version = version,
        .statistics = own_statistics };
}

static void tell(struct cache *cache)
{
    struct wire_policies wire;
    struct err err = { 0 };
    to_wire(cache, &wire);
    if (!cache_group_tell_policies(cache->group, &wire.message, &err))
        atomic_store(&cache->must_tell_policies, true);
}

static void store(struct cache *cache)
{
    struct wire_policies wire;
    struct err err = { 0 };
    struct redis_answer answer = { 0 };
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = LARGEST_POLICIES };
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = LARGEST_POLICIES };
    to_wire(cache, &wire);
    if (!wire_encode(&bytes, &wire.message.base, &err))
        return;
    const struct redis_command command = { { { "SET", 3 }, { NAME, strlen(NAME) }, { bytes.data, bytes.size } }, 3 };
    if (!redis_run(cache->redis, &command, 1, &answer, &texts) || answer.type == REDIS_REFUSED)
        atomic_store(&cache->must_store_policies, true);
}

static void load(struct cache *cache)
{
    AUTO_INPLACE(arena) arena;
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = LARGEST_POLICIES };
    ProtobufCMessage *message = NULL;
    struct redis_answer answer;
    struct err err = { 0 };
    const struct redis_command command = { { { "GET", 3 }, { NAME, strlen(NAME) } }, 2 };
    arena_init(&arena, ARENA_BYTES);
    if (!redis_run(cache->redis, &command, 1, &answer, &texts))
        return;
    atomic_store(&cache->has_asked_policies, true);
    if (answer.type == REDIS_TEXT && wire_decode(&message, &arena, &nwims__v1__cache_policies__descriptor,
                                         texts.data + answer.at, answer.size, &err))
        from_wire(cache, (const Nwims__V1__CachePolicies *)message);
}

void cache_policies_keep(struct cache *cache)
{
    if (atomic_exchange(&cache->must_tell_policies, false))
        tell(cache);
    if (redis_state(cache->redis) != REDIS_CLOSED)
        return;
    if (!atomic_load(&cache->has_asked_policies))
        load(cache);
    if (atomic_exchange(&cache->must_store_policies, false))
        store(cache);
}
