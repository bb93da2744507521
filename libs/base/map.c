#include "base/map.h"
#include "base/uuid.h"
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    uint64_t hash;
    void *value;
    size_t key_size;
    unsigned char key[];
};

struct map {
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    size_t ceiling;
    uint64_t seed;
};

enum { FIRST_BUCKETS = 64 };

struct map *map_new(size_t ceiling)
{
    struct map *map = calloc(1, sizeof *map);
    if (!map)
        return NULL;
    map->buckets = calloc(FIRST_BUCKETS, sizeof(struct entry *));
    if (!map->buckets) {
        free(map);
        return NULL;
    }
    map->bucket_count = FIRST_BUCKETS;
    map->ceiling = ceiling;
    random_bytes(&map->seed, sizeof map->seed);
    return map;
}

void map_free(struct map *map, void (*release)(void *value))
{
    if (!map)
        return;
    for (size_t i = 0; i < map->bucket_count; i++) {
        struct entry *entry = map->buckets[i];
        while (entry) {
            struct entry *next = entry->next;
            if (release)
                release(entry->value);
            free(entry);
            entry = next;
        }
    }
    free(map->buckets);
    free(map);
}

/* Multiply-and-fold over eight bytes a step, keyed by a secret seed (the idea of wyhash). */
static uint64_t hash_of(const struct map *map, const void *key, size_t key_size)
{
    const unsigned char *at = key;
    uint64_t hash = map->seed ^ (key_size * 0x9e3779b97f4a7c15u);
    for (size_t left = key_size; left > 0;) {
        uint64_t word = 0;
        size_t step = left < sizeof word ? left : sizeof word;
        memcpy(&word, at, step);
        __extension__ unsigned __int128 product =
            (unsigned __int128)(hash ^ word) * (0xa0761d6478bd642fu ^ (map->seed << 1 | 1));
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
        at += step;
        left -= step;
    }
    return hash ^ (hash >> 29);
}

static struct entry **place_of(const struct map *map, uint64_t hash, const void *key, size_t key_size)
{
    struct entry **place = &map->buckets[hash & (map->bucket_count - 1)];
    while (*place &&
           ((*place)->hash != hash || (*place)->key_size != key_size || memcmp((*place)->key, key, key_size) != 0))
        place = &(*place)->next;
    return place;
}

void *map_get(const struct map *map, const void *key, size_t key_size)
{
    struct entry *entry = *place_of(map, hash_of(map, key, key_size), key, key_size);
    return entry ? entry->value : NULL;
}

/* Failing to grow only makes the table slower, so it is not an error. */
static void grow(struct map *map)
{
    size_t bucket_count = map->bucket_count * 2;
    struct entry **buckets = calloc(bucket_count, sizeof(struct entry *));
    if (!buckets)
        return;
    for (size_t i = 0; i < map->bucket_count; i++) {
        struct entry *entry = map->buckets[i];
        while (entry) {
            struct entry *next = entry->next;
            struct entry **place = &buckets[entry->hash & (bucket_count - 1)];
            entry->next = *place;
            *place = entry;
            entry = next;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = bucket_count;
}

bool map_put(struct map *map, const void *key, size_t key_size, void *value, void **out_old)
{
    uint64_t hash = hash_of(map, key, key_size);
    struct entry **place = place_of(map, hash, key, key_size);
    if (out_old)
        *out_old = *place ? (*place)->value : NULL;
    if (*place) {
        (*place)->value = value;
        return true;
    }
    size_t size;
    if (map->count >= map->ceiling || __builtin_add_overflow(sizeof(struct entry), key_size, &size))
        return false;
    struct entry *entry = malloc(size);
    if (!entry)
        return false;
    *entry = (struct entry){ .hash = hash, .value = value, .key_size = key_size };
    memcpy(entry->key, key, key_size);
    *place = entry;
    if (++map->count > map->bucket_count)
        grow(map);
    return true;
}

void *map_remove(struct map *map, const void *key, size_t key_size)
{
    struct entry **place = place_of(map, hash_of(map, key, key_size), key, key_size);
    struct entry *entry = *place;
    if (!entry)
        return NULL;
    void *value = entry->value;
    *place = entry->next;
    free(entry);
    map->count--;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

void map_each(
    const struct map *map, bool (*visit)(void *context, const void *key, size_t key_size, void *value), void *context)
{
    for (size_t i = 0; i < map->bucket_count; i++)
        for (struct entry *entry = map->buckets[i]; entry; entry = entry->next)
            if (!visit(context, entry->key, entry->key_size, entry->value))
                return;
}
