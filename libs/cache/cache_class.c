#include "cache/cache_class.h"
#include <string.h>

/* ---- classes ---- */

static const char *const class_names[CACHE_CLASS_COUNT] = {
    [CACHE_ENTITY] = "entity",
    [CACHE_LIST] = "list",
    [CACHE_SUMMARY] = "summary",
    [CACHE_SERIES] = "series",
    [CACHE_LATEST] = "latest",
    [CACHE_STATISTICS] = "statistics",
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

/* ---- kinds ---- */

#define BIT(kind) (1u << CACHE_KIND_##kind)
#define REGIONS (BIT(ANY) | BIT(REGION))
#define MUNICIPALITIES (REGIONS | BIT(MUNICIPALITY))
#define ZONES (MUNICIPALITIES | BIT(ZONE))
#define SITES (ZONES | BIT(SITE))
#define DEVICES (SITES | BIT(DEVICE))
#define SENSORS (DEVICES | BIT(SENSOR))
#define ASSETS (SITES | BIT(ASSET))
#define EVERYTHING ((1u << CACHE_KIND_COUNT) - 1)

static const char *const kind_names[CACHE_KIND_COUNT] = {
    [CACHE_KIND_ANY] = "any",
    [CACHE_KIND_REGION] = "region",
    [CACHE_KIND_MUNICIPALITY] = "municipality",
    [CACHE_KIND_ZONE] = "zone",
    [CACHE_KIND_SITE] = "site",
    [CACHE_KIND_DEVICE] = "device",
    [CACHE_KIND_SENSOR] = "sensor",
    [CACHE_KIND_ASSET] = "asset",
    [CACHE_KIND_READING] = "reading",
};

/* By the first segment of a path: what a write there changes, and what an answer from there is made of. */
static const struct {
    const char *segment;
    unsigned written, read;
} segments[] = {
    { "regions", BIT(REGION), REGIONS },
    { "municipalities", BIT(MUNICIPALITY), MUNICIPALITIES },
    { "zones", BIT(ZONE), ZONES },
    { "sites", BIT(SITE), SITES },
    { "devices", BIT(DEVICE), DEVICES },
    { "sensors", BIT(SENSOR), SENSORS },
    { "assets", BIT(ASSET), ASSETS },
    { "networks", BIT(ASSET), ASSETS },
    { "readings", BIT(READING), SENSORS | BIT(READING) },
    /* Nothing of these is cached; what their owners change elsewhere they tell by events. */
    { "auth", 0, EVERYTHING },
    { "users", 0, EVERYTHING },
    { "roles", 0, EVERYTHING },
    { "api-keys", 0, EVERYTHING },
    { "tenants", 0, EVERYTHING },
    { "cache", 0, EVERYTHING },
};

/* The same for events: what they are about, if it is not a kind by itself. */
static const struct {
    const char *entity;
    unsigned changed;
} entities[] = {
    { "network", BIT(ASSET) },
    { "credential", 0 },
    { "user", 0 },
    { "role", 0 },
    { "api-key", 0 },
    { "tenant", 0 },
    { "tenant_access", 0 },
    { "revocation", 0 },
    { "login", 0 },
    { "mfa", 0 },
    { "password", 0 },
    { "session", 0 },
    { "signing-key", 0 },
    { "presence", 0 },
    { "command", 0 },
    { "device_command", 0 },
    { "command-result", 0 },
};

const char *cache_kind_name(enum cache_kind kind)
{
    return kind_names[kind < CACHE_KIND_COUNT ? kind : CACHE_KIND_ANY];
}

bool cache_kind_parse(const char *name, enum cache_kind *out_kind)
{
    for (enum cache_kind kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (strcmp(kind_names[kind], name) == 0) {
            *out_kind = kind;
            return true;
        }
    return false;
}

unsigned cache_kinds_of_event(const char *entity)
{
    enum cache_kind kind = CACHE_KIND_ANY;
    for (size_t i = 0; i < COUNT_OF(entities); i++)
        if (strcmp(entities[i].entity, entity) == 0)
            return entities[i].changed;
    return cache_kind_bit(cache_kind_parse(entity, &kind) ? kind : CACHE_KIND_ANY);
}

/* The row of the path's first segment ("sensors.geojson" is about sensors too), or COUNT_OF(segments). */
static size_t find_segment(const char *path)
{
    const char *segment = path + (*path == '/');
    if (strncmp(segment, "batch/", 6) == 0)
        segment += 6;
    size_t length = strcspn(segment, "/.:?"), at = 0;
    while (at < COUNT_OF(segments) &&
           (strlen(segments[at].segment) != length || memcmp(segments[at].segment, segment, length) != 0))
        at++;
    return at;
}

unsigned cache_kinds_read(const char *path, enum cache_class class)
{
    size_t at = find_segment(path);
    if (class == CACHE_SUMMARY)
        return EVERYTHING & ~BIT(READING);
    if (at == COUNT_OF(segments))
        return EVERYTHING;
    bool shows_readings = class == CACHE_SERIES || class == CACHE_LATEST || class == CACHE_STATISTICS;
    return segments[at].read | (shows_readings ? BIT(READING) : 0);
}

unsigned cache_kinds_written(const char *path)
{
    size_t at = find_segment(path);
    return at < COUNT_OF(segments) ? segments[at].written : BIT(ANY);
}
