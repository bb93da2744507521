#include "ingest/directory_table.h"
#include "base/map.h"
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    int64_t expires_us;
    atomic_bool was_asked; /* since the last eviction */
    alignas(max_align_t) unsigned char value[];
};
struct directory_table {
    struct map *present;
    struct map *absent;
    size_t value_bytes;
    size_t ceiling;
    size_t absent_ceiling;
};

struct directory_table *directory_table_new(size_t value_bytes, size_t ceiling)
{
    AUTO(directory_table) table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->value_bytes = value_bytes;
    table->ceiling = ceiling > 0 ? ceiling : 1;
    table->absent_ceiling = table->ceiling / 8 + 64;
    table->present = map_new(table->ceiling);
    table->absent = map_new(table->absent_ceiling);
    return table->present && table->absent ? TAKE(table) : NULL;
}

void directory_table_free(struct directory_table *table)
{
    if (!table)
        return;
    map_free(table->present, free);
    map_free(table->absent, free);
    free(table);
}

enum directory_answer directory_table_get(
    const struct directory_table *table, const void *key, size_t key_size, int64_t now_us, const void **out_value)
{
    struct kept *kept = map_get(table->present, key, key_size);
    if (kept && kept->expires_us > now_us) {
        /* Written only when it changes: readers on other cores keep their copy of the line. */
        if (!atomic_load_explicit(&kept->was_asked, memory_order_relaxed))
            atomic_store_explicit(&kept->was_asked, true, memory_order_relaxed);
        *out_value = kept->value;
        return DIRECTORY_PRESENT;
    }
    kept = map_count(table->absent) > 0 ? map_get(table->absent, key, key_size) : NULL;
    return kept && kept->expires_us > now_us ? DIRECTORY_ABSENT : DIRECTORY_UNKNOWN;
}

struct key {
    const void *bytes;
    size_t size;
};
struct chosen {
    struct key *keys;
    size_t count, wanted;
    bool takes_any;
    bool (*matches)(const void *value, const void *wanted);
    const void *match;
};

static bool choose_idle(void *context, const void *key, size_t key_size, void *value)
{
    struct chosen *chosen = context;
    struct kept *kept = value;
    if (!atomic_exchange_explicit(&kept->was_asked, false, memory_order_relaxed) || chosen->takes_any)
        chosen->keys[chosen->count++] = (struct key){ key, key_size };
    return chosen->count < chosen->wanted;
}

/* A key given back by the map lives in the entry that goes, and is not looked at after that. */
static void remove_chosen(struct map *map, struct chosen *chosen)
{
    for (size_t i = 0; i < chosen->count; i++)
        free(map_remove(map, chosen->keys[i].bytes, chosen->keys[i].size));
}

static size_t evict(struct directory_table *table)
{
    struct chosen chosen = { .wanted = table->ceiling / 8 + 1 };
    chosen.keys = calloc(chosen.wanted, sizeof *chosen.keys);
    if (!chosen.keys)
        return 0;
    map_each(table->present, choose_idle, &chosen);
    if (chosen.count == 0) { /* all were asked for: they are marked anew now, and any may go */
        chosen.takes_any = true;
        map_each(table->present, choose_idle, &chosen);
    }
    remove_chosen(table->present, &chosen);
    free(chosen.keys);
    return chosen.count;
}

static void forget_absent(struct directory_table *table)
{
    struct map *fresh = map_new(table->absent_ceiling);
    if (!fresh)
        return;
    map_free(table->absent, free);
    table->absent = fresh;
}

static void put_into(struct map *map, const void *key, size_t key_size, struct kept *kept)
{
    void *old = NULL;
    if (map_put(map, key, key_size, kept, &old))
        free(old);
    else
        free(kept);
}

size_t directory_table_put(
    struct directory_table *table, const void *key, size_t key_size, const void *value, int64_t expires_us)
{
    struct kept *kept = calloc(1, sizeof *kept + (value ? table->value_bytes : 0));
    size_t evicted = 0;
    if (!kept)
        return 0;
    kept->expires_us = expires_us;
    directory_table_drop(table, key, key_size);
    if (value) {
        memcpy(kept->value, value, table->value_bytes);
        if (map_count(table->present) >= table->ceiling)
            evicted = evict(table);
        put_into(table->present, key, key_size, kept);
        return evicted;
    }
    if (map_count(table->absent) >= table->absent_ceiling)
        forget_absent(table);
    put_into(table->absent, key, key_size, kept);
    return 0;
}

void directory_table_drop(struct directory_table *table, const void *key, size_t key_size)
{
    free(map_remove(table->present, key, key_size));
    free(map_remove(table->absent, key, key_size));
}

static bool choose_matching(void *context, const void *key, size_t key_size, void *value)
{
    struct chosen *chosen = context;
    const struct kept *kept = value;
    if (chosen->matches(kept->value, chosen->match))
        chosen->keys[chosen->count++] = (struct key){ key, key_size };
    return true;
}

void directory_table_drop_each(
    struct directory_table *table, bool (*matches)(const void *value, const void *wanted), const void *wanted)
{
    struct chosen chosen = { .matches = matches, .match = wanted };
    chosen.keys = calloc(map_count(table->present) + 1, sizeof *chosen.keys);
    if (!chosen.keys) {
        directory_table_clear(table);
        return;
    }
    map_each(table->present, choose_matching, &chosen);
    remove_chosen(table->present, &chosen);
    free(chosen.keys);
}

static bool expire(void *context, const void *key, size_t key_size, void *value)
{
    (void)context;
    (void)key;
    (void)key_size;
    struct kept *kept = value;
    kept->expires_us = INT64_MIN;
    return true;
}

void directory_table_clear(struct directory_table *table)
{
    struct map *fresh = map_new(table->ceiling);
    forget_absent(table);
    map_each(table->absent, expire, NULL); /* in case there was no memory for a fresh one */
    if (!fresh) {
        map_each(table->present, expire, NULL);
        return;
    }
    map_free(table->present, free);
    table->present = fresh;
}

size_t directory_table_count(const struct directory_table *table)
{
    return map_count(table->present) + map_count(table->absent);
}
