/* A hash table from bytes to a pointer. Not for sharing between threads. Keys are copied, values are the caller's.
 * Seeded at random, so that callers cannot choose keys that collide. */
#pragma once
#include "base/compiler.h"

struct map;

/* NULL when memory is out. ceiling: most entries. */
MUST_CHECK struct map *map_new(size_t ceiling);
/* Calls release (may be NULL) for each value, then frees. */
void map_free(struct map *map, void (*release)(void *value));
static inline void map_free_only(struct map *map)
{
    map_free(map, NULL);
}
AUTO_DEFINE(map, map_free_only)
/* NULL if absent. */
void *map_get(const struct map *map, const void *key, size_t key_size);
/* Replaces; the value replaced comes back in out_old (may be NULL). False at the ceiling or without memory. */
MUST_CHECK bool map_put(struct map *map, const void *key, size_t key_size, void *value, void **out_old);
/* Gives back the value removed, or NULL. */
void *map_remove(struct map *map, const void *key, size_t key_size);
size_t map_count(const struct map *map);
/* Visits every entry until visit returns false; the map must not change meanwhile. */
void map_each(
    const struct map *map, bool (*visit)(void *context, const void *key, size_t key_size, void *value), void *context);
