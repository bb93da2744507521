/* What this process knows of the generations: a random number for each kind in each tenant, and one for all (tenant 0,
 * CACHE_KIND_ANY). An answer bears the stamp of those that it depends on; when one is forgotten, it is worthless.
 * Bounded: a tenant that has no place is unknown and asks again. Any thread. */
#pragma once
#include "cache/cache_class.h"

struct cache_generations;
MUST_CHECK struct cache_generations *cache_generations_new(void);
void cache_generations_free(struct cache_generations *generations);
AUTO_DEFINE(cache_generations, cache_generations_free)

/* The generations that an answer depends on, as far as they are known. */
struct cache_stamp {
    int32_t tenant_id;
    unsigned kinds;
    unsigned missing;    /* the kinds whose number is not known; then value means nothing */
    bool all_is_missing; /* the number for all is not known */
    bool is_shared;      /* every number is the one that Redis holds, so that others have the same */
    uint64_t value;
    uint64_t tenant_position, all_position; /* for cache_generations_learn */
};
void cache_generations_look(
    struct cache_generations *generations, int32_t tenant_id, unsigned kinds, struct cache_stamp *out_stamp);
/* Takes in a number that was asked for after `look`; nothing if something was forgotten since. */
void cache_generations_learn(struct cache_generations *generations, const struct cache_stamp *looked, bool is_for_all,
    enum cache_kind kind, uint64_t number, bool is_shared);
void cache_generations_forget(struct cache_generations *generations, int32_t tenant_id, unsigned kinds);
/* Everything, of every tenant: what was learned so far may be old. */
void cache_generations_forget_all(struct cache_generations *generations);
/* Numbers that only this process knows are forgotten, so that the shared ones are asked for. */
void cache_generations_forget_unshared(struct cache_generations *generations);
/* Whether there may be such; not any more right after cache_generations_forget_unshared. */
MUST_CHECK bool cache_generations_have_unshared(const struct cache_generations *generations);
/* Never 0. */
uint64_t cache_generation_new(void);
