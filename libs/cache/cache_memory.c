#include "cache/cache_memory.h"
#include "base/map.h"
#include "base/text.h"
#include <pthread.h>
#include <stdlib.h>

enum { SHARDS = 16, OVERHEAD_BYTES = 160, LEAST_ENTRY_BYTES = 256 };
/* The order of use is kept to a second: a hit is a reader among others, and only one a second has to move anything. */
static const int64_t order_us = 1000000;

/* A map of its own under a lock of its own; from newest to oldest, newest->newer and oldest->older are NULL. */
struct shard {
    _Alignas(64) pthread_rwlock_t lock;
    struct map *entries;
    struct cache_entry *newest, *oldest;
    size_t bytes;
    uint64_t evictions;
};

struct cache_memory {
    size_t ceiling_bytes; /* of a shard */
    struct shard shards[SHARDS];
};

struct cache_memory *cache_memory_new(size_t ceiling_bytes)
{
    struct cache_memory *memory = aligned_alloc(64, sizeof *memory);
    if (!memory)
        return NULL;
    *memory = (struct cache_memory){ .ceiling_bytes = ceiling_bytes / SHARDS };
    bool ok = true;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_rwlock_init(&memory->shards[i].lock, NULL);
        memory->shards[i].entries = map_new(memory->ceiling_bytes / LEAST_ENTRY_BYTES + 1);
        ok = ok && memory->shards[i].entries;
    }
    if (ok)
        return memory;
    cache_memory_free(memory);
    return NULL;
}

static void release(void *entry)
{
    cache_entry_release(entry);
}

void cache_memory_free(struct cache_memory *memory)
{
    if (!memory)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        map_free(memory->shards[i].entries, release);
        pthread_rwlock_destroy(&memory->shards[i].lock);
    }
    free(memory);
}

static struct shard *shard_of(struct cache_memory *memory, const void *key, size_t key_size)
{
    return &memory->shards[text_hash(key, key_size) % SHARDS];
}

static size_t weight_of(const struct cache_entry *entry)
{
    return sizeof *entry + entry->body_size + 2 * entry->key_size + OVERHEAD_BYTES;
}

static void unlink_entry(struct shard *shard, struct cache_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &shard->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &shard->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct shard *shard, struct cache_entry *entry)
{
    entry->older = shard->newest;
    *(shard->newest ? &shard->newest->newer : &shard->oldest) = entry;
    shard->newest = entry;
}

static void drop(struct shard *shard, struct cache_entry *entry)
{
    map_remove(shard->entries, cache_entry_key(entry), entry->key_size);
    unlink_entry(shard, entry);
    shard->bytes -= weight_of(entry);
    cache_entry_release(entry);
}

static bool is_good(const struct cache_entry *entry, uint64_t stamp, int64_t now_us)
{
    return entry->stamp == stamp && entry->expires_us > now_us;
}

/* What is worthless goes, what is used comes to the front. Others may have been here since the caller looked. */
static void put_in_order(struct shard *shard, const struct cache_key *key, uint64_t stamp, int64_t now_us)
{
    pthread_rwlock_wrlock(&shard->lock);
    struct cache_entry *entry = map_get(shard->entries, key->bytes, key->size);
    if (entry && !is_good(entry, stamp, now_us)) {
        drop(shard, entry);
    } else if (entry) {
        unlink_entry(shard, entry);
        link_newest(shard, entry);
        entry->ordered_us = now_us;
    }
    pthread_rwlock_unlock(&shard->lock);
}

struct cache_entry *cache_memory_get(
    struct cache_memory *memory, const struct cache_key *key, uint64_t stamp, int64_t now_us)
{
    struct shard *shard = shard_of(memory, key->bytes, key->size);
    pthread_rwlock_rdlock(&shard->lock);
    struct cache_entry *entry = map_get(shard->entries, key->bytes, key->size);
    bool is_hit = entry && is_good(entry, stamp, now_us);
    bool is_out_of_order = entry && (!is_hit || now_us - entry->ordered_us >= order_us);
    if (is_hit)
        cache_entry_hold(entry);
    pthread_rwlock_unlock(&shard->lock);
    if (is_out_of_order)
        put_in_order(shard, key, stamp, now_us);
    return is_hit ? entry : NULL;
}

void cache_memory_put(struct cache_memory *memory, struct cache_entry *entry)
{
    struct shard *shard = shard_of(memory, cache_entry_key(entry), entry->key_size);
    size_t weight = weight_of(entry);
    if (weight > memory->ceiling_bytes)
        return;
    pthread_rwlock_wrlock(&shard->lock);
    struct cache_entry *old = map_get(shard->entries, cache_entry_key(entry), entry->key_size);
    if (old)
        drop(shard, old);
    while (shard->oldest && shard->bytes + weight > memory->ceiling_bytes) {
        drop(shard, shard->oldest);
        shard->evictions++;
    }
    if (map_put(shard->entries, cache_entry_key(entry), entry->key_size, entry, NULL)) {
        link_newest(shard, cache_entry_hold(entry));
        shard->bytes += weight;
    }
    pthread_rwlock_unlock(&shard->lock);
}

struct cache_memory_figures cache_memory_figures(struct cache_memory *memory)
{
    struct cache_memory_figures figures = { 0 };
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &memory->shards[i];
        pthread_rwlock_rdlock(&shard->lock);
        figures.entries += map_count(shard->entries);
        figures.bytes += shard->bytes;
        figures.evictions += shard->evictions;
        pthread_rwlock_unlock(&shard->lock);
    }
    return figures;
}
