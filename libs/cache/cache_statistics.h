/* What a process that caches has to say of itself, since its start. */
#pragma once
#include "base/uuid.h"
#include "cache/cache_class.h"
#include "cache/redis.h"

enum cache_result {
    CACHE_FROM_MEMORY,
    CACHE_FROM_REDIS,
    CACHE_FROM_FLIGHT,
    CACHE_MISSED,
    CACHE_PASSED,
    CACHE_RESULT_COUNT
};
enum { CACHE_MOST_MEMBERS = 65, CACHE_SERVICE_SIZE = 32 };
struct cache_statistics {
    char member[UUID_TEXT_SIZE];
    char service[CACHE_SERVICE_SIZE];
    uint64_t results[CACHE_CLASS_COUNT][CACHE_RESULT_COUNT];
    uint64_t memory_entries, memory_bytes, memory_ceiling_bytes, memory_evictions;
    uint64_t redis_stored, redis_dropped, redis_refused; /* answers put; not put because the queue was full; refused */
    enum redis_state redis;
    bool redis_is_trusted;
    size_t members;
    bool has_lease; /* answers from what it holds */
};

/* ---- as a message: to the other members, and in GET /cache/statistics ---- */
struct Nwims__V1__CacheMember;
struct arena;
/* Texts are borrowed from the statistics, the rest lives in the arena. NULL when that is full. */
MUST_CHECK struct Nwims__V1__CacheMember *cache_statistics_to_message(
    const struct cache_statistics *statistics, struct arena *arena);
/* False if it is none of a member. */
MUST_CHECK bool cache_statistics_from_message(
    struct cache_statistics *out_statistics, const struct Nwims__V1__CacheMember *message);
