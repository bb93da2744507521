/* The thread that writes to Redis, so that nobody who waits for an answer waits for that. */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/text.h"
#include "cache/cache_internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_A_TRIP = 32, MOST_BYTES_A_TRIP = 256 * 1024, LOOK_ABOUT_MS = 200 };

struct store {
    struct cache_entry *entry;
    int64_t expires_us;
    char name[CACHE_NAME_SIZE];
    char left_ms[24];
};

void cache_answer_name(char name[CACHE_NAME_SIZE], const struct cache_key *key, uint64_t stamp)
{
    char bytes[CACHE_KEY_SIZE + sizeof stamp];
    unsigned char digest[SHA256_SIZE];
    static const char prefix[] = "nwims:a:";
    memcpy(bytes, &stamp, sizeof stamp);
    memcpy(bytes + sizeof stamp, key->bytes, key->size);
    auth_sha256(digest, bytes, sizeof stamp + key->size);
    memcpy(name, prefix, sizeof prefix);
    text_hex(name + sizeof prefix - 1, digest, 16);
}

static void store_free(struct store *store)
{
    cache_entry_release(store->entry);
    free(store);
}

bool cache_keeper_put(
    struct cache *cache, struct cache_entry *entry, const char *name, int64_t expires_us, int64_t wait_ms)
{
    struct store *store = calloc(1, sizeof *store);
    if (store) {
        store->entry = cache_entry_hold(entry);
        store->expires_us = expires_us;
        memcpy(store->name, name, strlen(name) + 1);
        if (queue_push(cache->stores, store, wait_ms))
            return true;
        store_free(store);
    }
    metric_add(cache->dropped, 1);
    return false;
}

/* SET name value PX left. False if its time is over. */
static bool make_command(struct redis_command *command, struct store *store, char **value)
{
    int64_t left_ms = (store->expires_us - clock_monotonic_us()) / 1000;
    size_t etag_length = strlen(store->entry->etag), size = etag_length + 1 + store->entry->body_size;
    if (left_ms < 1 || !(*value = malloc(size)))
        return false;
    memcpy(*value, store->entry->etag, etag_length);
    (*value)[etag_length] = '\n';
    memcpy(*value + etag_length + 1, cache_entry_body(store->entry), store->entry->body_size);
    snprintf(store->left_ms, sizeof store->left_ms, "%" PRId64, left_ms);
    *command = (struct redis_command){ { { "SET", 3 }, { store->name, strlen(store->name) }, { *value, size },
                                           { "PX", 2 }, { store->left_ms, strlen(store->left_ms) } },
        5 };
    return true;
}

static void send(struct cache *cache, struct store **stores, size_t count)
{
    struct redis_command commands[MOST_A_TRIP];
    struct redis_answer answers[MOST_A_TRIP];
    char *values[MOST_A_TRIP] = { 0 };
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = 64 * 1024 };
    size_t ready = 0;
    for (size_t i = 0; i < count && cache_group_trusts_redis(cache->group); i++)
        ready += make_command(&commands[ready], stores[i], &values[i]);
    bool ok = ready > 0 && redis_run(cache->redis, commands, ready, answers, &texts);
    for (size_t i = 0; i < ready; i++)
        metric_add(!ok ? cache->dropped : answers[i].type == REDIS_REFUSED ? cache->refused : cache->stored, 1);
    for (size_t i = 0; i < count; i++) {
        free(values[i]);
        store_free(stores[i]);
    }
}

/* What waits, as much as goes well in one trip. */
static size_t take_some(struct cache *cache, struct store *stores[MOST_A_TRIP])
{
    size_t count = 0, bytes = 0;
    struct store *store = queue_pop(cache->stores, LOOK_ABOUT_MS);
    while (store) {
        stores[count++] = store;
        bytes += store->entry->body_size;
        store = count < MOST_A_TRIP && bytes < MOST_BYTES_A_TRIP ? queue_pop(cache->stores, 0) : NULL;
    }
    return count;
}

void *cache_keeper_run(void *argument)
{
    struct cache *cache = argument;
    struct store *stores[MOST_A_TRIP];
    int64_t looked_us = 0;
    while (!atomic_load(&cache->must_stop) || queue_count(cache->stores) > 0) {
        size_t count = take_some(cache, stores);
        if (count > 0)
            send(cache, stores, count);
        if (clock_monotonic_us() - looked_us > (int64_t)LOOK_ABOUT_MS * 1000) {
            looked_us = clock_monotonic_us();
            cache_policies_keep(cache);
            cache_metrics_look(cache);
        }
    }
    return NULL;
}
