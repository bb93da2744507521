/* What kinds of answers are cached, and what their content depends on. */
#pragma once
#include "base/compiler.h"

/* A column of the gateway's table of routes. Decides how long an answer may be kept; see cache_policy.h. */
enum cache_class {
    CACHE_NONE,       /* never kept                                          */
    CACHE_ENTITY,     /* one thing: GET /sensors/{id}                         */
    CACHE_LIST,       /* a page of things: GET /sensors                       */
    CACHE_SERIES,     /* readings and windows of them                         */
    CACHE_LATEST,     /* the newest reading                                   */
    CACHE_STATISTICS, /* figures of a stretch of time that they name          */
    CACHE_PUBLIC,     /* the same for everybody, logged in or not             */
    CACHE_CLASS_COUNT
};
/* "entity", "list", ...; NULL for none and what is none. */
const char *cache_class_name(enum cache_class class);
MUST_CHECK bool cache_class_parse(const char *name, enum cache_class *out_class);

/* What an answer is made from. A change of one makes every answer worthless that depends on it, in one tenant. */
enum cache_kind {
    CACHE_KIND_ANY, /* everything depends on it: for changes of what has no kind of its own here */
    CACHE_KIND_MUNICIPALITY,
    CACHE_KIND_ZONE,
    CACHE_KIND_SITE,
    CACHE_KIND_ASSET,
    CACHE_KIND_DEVICE,
    CACHE_KIND_SENSOR,
    CACHE_KIND_READING,
    CACHE_KIND_COUNT
};
/* Sets of kinds are bits: cache_kind_bit(a) | cache_kind_bit(b). */
static inline unsigned cache_kind_bit(enum cache_kind kind)
{
    return 1u << kind;
}
const char *cache_kind_name(enum cache_kind kind); /* "any", "sensor", ... as events name them */
/* The kinds that an EntityChanged event with this entity is about: 0 for what no cached answer shows (credentials,
 * users), CACHE_KIND_ANY, the careful choice, for a name that is not known here. */
unsigned cache_kinds_named(const char *entity);

/* What the answer of a GET depends on, by the path below /api/v1 ("/sensors/S1/latest") and its class. */
unsigned cache_kinds_read(const char *path, enum cache_class class);
/* What a write to the path may have changed. 0: nothing that is cached, as with logging in. */
unsigned cache_kinds_written(const char *path);
