/* The processes that cache together, and how they stay true: each may answer from what it holds only while it knows
 * that it hears the others (a lease that its own beats, coming back over the bus, renew), and a write is not answered
 * before every other has forgotten what the write made worthless, or has lost its lease. Any thread. Why this is
 * enough: docs/adr (read your writes). Inside libs/cache only. */
#pragma once
#include "bus/bus.h"
#include "cache/cache_generations.h"
#include "cache/cache_marks.h"
#include "cache/cache_statistics.h"
#include "cache/redis.h"

struct Nwims__V1__CachePolicies;
/* Called on threads of the bus or of the group: must be quick. Each may be NULL. */
struct cache_group_hooks {
    void *context;
    void (*marked)(void *context, const struct cache_marks *marks);
    /* Policies came from another member; a member lacks ours. */
    void (*policies)(void *context, const struct Nwims__V1__CachePolicies *policies);
    void (*policies_lacking)(void *context);
    int64_t (*policies_version)(void *context);
    void (*statistics)(void *context, struct cache_statistics *out_statistics);
};
struct cache_group_config {
    struct bus *bus;
    struct redis *redis;
    struct cache_generations *generations;
    struct cache_group_hooks hooks;
};
struct cache_group;
MUST_CHECK bool cache_group_open(
    struct cache_group **out_group, const struct cache_group_config *config, struct err *err);
/* Tells the others that it goes. */
void cache_group_close(struct cache_group *group);
AUTO_DEFINE(cache_group, cache_group_close)

/* Whether a request that came at arrived_us (monotonic) may be answered from what is held here or in Redis. */
bool cache_group_may_use(const struct cache_group *group, int64_t arrived_us);
/* Whether Redis is well and holds no generation that ought to be gone. */
bool cache_group_trusts_redis(const struct cache_group *group);
/* Returns when nobody answers any more from what was made before; up to 600 ms when a member does not respond, up to
 * BUMP_LONGEST_MS when the bus is away (false: then others may hold it until the owner's event reaches them). */
bool cache_group_bump(struct cache_group *group, int32_t tenant_id, unsigned kinds);
/* Sends policies to every member. */
MUST_CHECK bool cache_group_tell_policies(
    struct cache_group *group, const struct Nwims__V1__CachePolicies *policies, struct err *err);

struct cache_group_figures {
    size_t members;   /* with this one */
    bool has_lease;   /* may use what it holds now */
    bool has_pending; /* generations wait for Redis */
};
struct cache_group_figures cache_group_figures(struct cache_group *group);

/* Our name among the members. */
const char *cache_group_member(const struct cache_group *group);
/* What the others said last; how many have. */
size_t cache_group_statistics(struct cache_group *group, struct cache_statistics *out_statistics, size_t most);

/* The name of a generation in Redis, "nwims:g:7:sensor"; of all: "nwims:g:all". */
enum { CACHE_GENERATION_NAME_SIZE = 64 };
void cache_generation_name(char name[CACHE_GENERATION_NAME_SIZE], int32_t tenant_id, unsigned kind);
