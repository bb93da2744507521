/* What kinds of answers are cached, and what their content depends on. Decisions, no I/O. Any thread. */
#pragma once
#include "base/compiler.h"

/* A column of the gateway's table of routes. Decides how long an answer may be kept; see cache_policy.h. */
enum cache_class {
    CACHE_NONE,       /* never kept                                            */
    CACHE_ENTITY,     /* one thing: GET /sensors/{id}                           */
    CACHE_LIST,       /* a page or a map of things: GET /sensors                */
    CACHE_SUMMARY,    /* counts of things of every kind                         */
    CACHE_SERIES,     /* readings and windows of them                           */
    CACHE_LATEST,     /* the newest reading, what came in                       */
    CACHE_STATISTICS, /* what a sensor's readings were like                     */
    CACHE_CLASS_COUNT
};
/* "entity", "list", ...; NULL for none and what is none. */
const char *cache_class_name(enum cache_class class);
MUST_CHECK bool cache_class_parse(const char *name, enum cache_class *out_class);

/* What an answer is made from. A change of one makes every answer worthless that depends on it, in one tenant. */
enum cache_kind {
    CACHE_KIND_ANY, /* everything depends on it: for changes of what has no kind of its own here */
    CACHE_KIND_REGION,
    CACHE_KIND_MUNICIPALITY,
    CACHE_KIND_ZONE,
    CACHE_KIND_SITE,
    CACHE_KIND_DEVICE,
    CACHE_KIND_SENSOR,
    CACHE_KIND_ASSET,
    CACHE_KIND_READING,
    CACHE_KIND_COUNT
};
/* Sets of kinds are bits: cache_kind_bit(a) | cache_kind_bit(b). */
static inline unsigned cache_kind_bit(enum cache_kind kind)
{
    return 1u << kind;
}
const char *cache_kind_name(enum cache_kind kind); /* "any", "sensor", ... as events name them */
/* False if there is no such kind. */
MUST_CHECK bool cache_kind_parse(const char *name, enum cache_kind *out_kind);
/* What an EntityChanged event of this entity makes worthless: 0 for what no cached answer shows (credentials, users),
 * CACHE_KIND_ANY, the careful choice, for a name that is not known here. */
unsigned cache_kinds_of_event(const char *entity);

/* What the answer of a GET depends on, by the path below /api/v1 ("/sensors/S1/latest") and its class. Things count to
 * the place where the thing is that they belong to (a sensor to its device's zone, and so on), lists are filtered by
 * place and callers may be limited to places: so each kind depends on those above it. */
unsigned cache_kinds_read(const char *path, enum cache_class class);
/* What a write to the path may have changed. 0: nothing that is cached, as with logging in. */
unsigned cache_kinds_written(const char *path);
