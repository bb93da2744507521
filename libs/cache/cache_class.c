#include "cache/cache_class.h"
#include <string.h>

static const char *const class_names[CACHE_CLASS_COUNT] = {
    [CACHE_ENTITY] = "entity",
    [CACHE_LIST] = "list",
    [CACHE_SERIES] = "series",
    [CACHE_LATEST] = "latest",
    [CACHE_STATISTICS] = "statistics",
    [CACHE_PUBLIC] = "public",
};

const char *cache_class_name(enum cache_class class)
{
    return class > CACHE_NONE && class < CACHE_CLASS_COUNT ? class_names[class] : NULL;
}

bool cache_class_parse(const char *name, enum cache_class *out_class)
{
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++)
        if (strcmp(class_names[class], name) == 0) {
            *out_class = class;
            return true;
        }
    return false;
}

static const struct {
    const char *name;
    const char *segment; /* of the path, where its things live */
} kinds[CACHE_KIND_COUNT] = {
    [CACHE_KIND_ANY] = { "any", NULL },
    [CACHE_KIND_MUNICIPALITY] = { "municipality", "municipalities" },
    [CACHE_KIND_ZONE] = { "zone", "zones" },
    [CACHE_KIND_SITE] = { "site", "sites" },
    [CACHE_KIND_ASSET] = { "asset", "assets" },
    [CACHE_KIND_DEVICE] = { "device", "devices" },
    [CACHE_KIND_SENSOR] = { "sensor", "sensors" },
    [CACHE_KIND_READING] = { "reading", "readings" },
};

/* Paths whose writes change nothing that is cached; an owner tells of what it changes besides in any case. */
static const char *const harmless[] = { "auth", "cache", "users", "roles", "api-keys", "stream", "exports", "reports" };

const char *cache_kind_name(enum cache_kind kind)
{
    return kind < CACHE_KIND_COUNT ? kinds[kind].name : kinds[CACHE_KIND_ANY].name;
}

unsigned cache_kinds_named(const char *entity)
{
    static const char *const unseen[] = { "credential", "user", "tenant", "role", "api_key", "api-key", "session" };
    for (size_t i = 0; i < COUNT_OF(unseen); i++)
        if (strcmp(unseen[i], entity) == 0)
            return 0;
    for (enum cache_kind kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (strcmp(kinds[kind].name, entity) == 0)
            return cache_kind_bit(kind);
    return cache_kind_bit(CACHE_KIND_ANY);
}

static bool segment_is(const char *segment, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(segment, name, length) == 0;
}

/* The kind whose things live at the segment; "sensors.geojson" is about sensors too. */
static enum cache_kind kind_at(const char *segment)
{
    size_t length = strcspn(segment, "/.:?");
    for (enum cache_kind kind = CACHE_KIND_ANY + 1; kind < CACHE_KIND_COUNT; kind++)
        if (segment_is(segment, length, kinds[kind].segment))
            return kind;
    return CACHE_KIND_ANY;
}

unsigned cache_kinds_read(const char *path, enum cache_class class)
{
    unsigned bits = cache_kind_bit(CACHE_KIND_ANY) | cache_kind_bit(kind_at(path + (*path == '/')));
    if (class == CACHE_SERIES || class == CACHE_LATEST || class == CACHE_STATISTICS)
        bits |= cache_kind_bit(CACHE_KIND_READING) | cache_kind_bit(CACHE_KIND_SENSOR);
    return bits;
}

unsigned cache_kinds_written(const char *path)
{
    const char *segment = path + (*path == '/');
    if (strncmp(segment, "batch/", 6) == 0)
        segment += 6;
    size_t length = strcspn(segment, "/.:?");
    for (size_t i = 0; i < COUNT_OF(harmless); i++)
        if (segment_is(segment, length, harmless[i]))
            return 0;
    return cache_kind_bit(kind_at(segment));
}
