/* The cache of finished answers: this process's memory, then Redis, then whoever owns the data. Shared by the gateways,
 * which read through it, and by cache-warmer, which fills it. An answer that was made before a write is never given to
 * whoever asks after that write was answered; see docs/adr. Works without Redis, slower, and without the bus not at
 * all: then every request passes. Hides hiredis. Any thread. */
#pragma once
#include "bus/bus.h"
#include "cache/cache_class.h"
#include "cache/cache_entry.h"
#include "cache/cache_generations.h"
#include "cache/cache_key.h"
#include "cache/cache_marks.h"
#include "cache/cache_policy.h"
#include "cache/cache_statistics.h"
#include "cache/redis.h"

struct cache;
struct cache_config {
    struct bus *bus;     /* borrowed */
    const char *service; /* who we are, for statistics: "gateway" */
    struct redis_config redis;
    int64_t memory_bytes; /* ceiling of the first level; 0: this process keeps nothing itself */
    /* Told what became worthless, on threads of the bus: must be quick. May be NULL. */
    void (*marked)(void *context, const struct cache_marks *marks);
    /* Told which statistics were asked for beyond some gateway's memory (path as in cache_question, without parameters,
     * by a caller for the whole tenant), on threads of the bus: must be quick. NULL: not interested. */
    void (*asked)(void *context, int32_t tenant_id, const char *path);
    void *context;
};
/* Does not wait for Redis. For about a second nothing is given from the cache: until the others know of us. */
MUST_CHECK bool cache_open(struct cache **out_cache, const struct cache_config *config, struct err *err);
void cache_close(struct cache *cache);
AUTO_DEFINE(cache, cache_close)

/* ---- reading through it ---- */
struct cache_flight;
/* One question on its way. */
struct cache_lookup {
    enum cache_class class;
    struct cache_key key;
    struct cache_stamp stamp;
    int64_t began_us; /* monotonic: what the owner says now holds from here on */
    struct cache_flight *flight;
    struct cache_entry *entry; /* of a hit; released by cache_lookup_done */
};
enum cache_outcome {
    CACHE_HIT,  /* lookup->entry is the answer */
    CACHE_LEAD, /* ask the owner, then cache_fill; others may wait for it */
    CACHE_PASS, /* ask the owner and keep nothing */
    CACHE_LATE, /* somebody asks, and deadline_us came first */
};
/* path: below /api/v1, decoded; kinds: cache_kinds_read. arrived_us, deadline_us: monotonic; the request's arrival and
 * how long it may wait for somebody else's. Always followed by cache_lookup_done. */
enum cache_outcome cache_find(struct cache *cache, struct cache_lookup *lookup, enum cache_class class,
    const struct cache_question *question, unsigned kinds, int64_t arrived_us, int64_t deadline_us);
/* Keeps the owner's answer and gives it to those who wait. lookup->entry is it, or NULL if it cannot be kept. */
void cache_fill(struct cache *cache, struct cache_lookup *lookup, const char *etag, const void *body, size_t size);
/* Ends what was begun; a flight that was not filled is over without an answer. */
void cache_lookup_done(struct cache *cache, struct cache_lookup *lookup);

/* ---- filling it beforehand ---- */
/* The generations of now: look first, then ask the owner, then put. False: not now (no lease, no Redis). */
MUST_CHECK bool cache_stamp_now(struct cache *cache, int32_t tenant_id, unsigned kinds, struct cache_stamp *out_stamp);
/* Into Redis; waits up to wait_ms for a place in the queue. began_us: when the owner was asked. False if it was not
 * taken. */
MUST_CHECK bool cache_put(struct cache *cache, enum cache_class class, const struct cache_question *question,
    const struct cache_stamp *stamp, int64_t began_us, const char *etag, const void *body, size_t size,
    int64_t wait_ms);
/* Takes the lock of that name in Redis for hold_ms, or longer if we have it already. has_it: what we last heard; while
 * Redis cannot be asked it stays so. For work that does no harm if two do it for a moment. */
MUST_CHECK bool cache_lock_hold(struct cache *cache, const char *name, int64_t hold_ms, bool has_it);

/* ---- making worthless ---- */
/* Before a write is answered. Returns when no process gives anything that was made before; false if the bus is away and
 * that cannot be known: then the owner's own event does it, once it gets through. */
bool cache_bump(struct cache *cache, int32_t tenant_id, unsigned kinds);

/* ---- how long ---- */
void cache_policies_get(struct cache *cache, struct cache_policies *out_policies);
/* For every process, at once; kept in Redis. ERR_INPUT if a time is out of range. */
MUST_CHECK bool cache_policies_set(struct cache *cache, struct cache_policies *policies, struct err *err);

/* ---- how it goes ---- */
void cache_statistics_get(struct cache *cache, struct cache_statistics *out_statistics);
/* Ours first, then what the others said last, at most a second ago; how many there are. */
size_t cache_statistics_of_all(struct cache *cache, struct cache_statistics out_statistics[CACHE_MOST_MEMBERS]);
/* What Redis counts of itself. False while it does not answer. */
struct cache_redis_figures {
    int64_t bytes, evictions;
};
MUST_CHECK bool cache_redis_figures_get(struct cache *cache, struct cache_redis_figures *out_figures);
