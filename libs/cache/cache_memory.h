/* The first level: answers in this process, the least recently used go first (to a second), under a ceiling of bytes.
 * Any thread. */
#pragma once
#include "cache/cache_entry.h"
#include "cache/cache_key.h"

struct cache_memory;
/* ceiling_bytes of bodies, keys and what holds them; 0: nothing is kept. NULL without memory. */
MUST_CHECK struct cache_memory *cache_memory_new(size_t ceiling_bytes);
void cache_memory_free(struct cache_memory *memory);
AUTO_DEFINE(cache_memory, cache_memory_free)
/* The answer under the key if it was made under these generations and its time is not over: held for the caller, who
 * releases it. Else NULL, and what was there is gone. */
struct cache_entry *cache_memory_get(
    struct cache_memory *memory, const struct cache_key *key, uint64_t stamp, int64_t now_us);
/* Holds the entry for itself; in place of what is there under its key. One larger than its share is not kept. */
void cache_memory_put(struct cache_memory *memory, struct cache_entry *entry);

struct cache_memory_figures {
    uint64_t entries, bytes, evictions; /* evictions: for room, not for age */
};
struct cache_memory_figures cache_memory_figures(struct cache_memory *memory);
