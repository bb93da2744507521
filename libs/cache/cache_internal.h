/* What the files of the façade share. */
#pragma once
#include "base/queue.h"
#include "base/uuid.h"
#include "cache/cache.h"
#include "cache/cache_flight.h"
#include "cache/cache_group.h"
#include "cache/cache_memory.h"
#include "metrics/metrics.h"
#include <pthread.h>

struct cache {
    struct cache_config config;
    struct redis *redis;
    struct cache_generations *generations;
    struct cache_memory *memory;
    struct cache_flights *flights;
    struct cache_group *group;
    /* Policies: read on every request, so each number by itself. */
    pthread_mutex_t policies_lock;
    atomic_int_fast64_t policies_version, keep_ms[CACHE_CLASS_COUNT], memory_ms[CACHE_CLASS_COUNT];
    atomic_bool must_store_policies, must_tell_policies, has_asked_policies;
    /* What goes to Redis goes on a thread of its own. */
    struct queue *stores;
    pthread_t keeper;
    bool has_keeper;
    atomic_bool must_stop;
    struct bus_subscription *asked; /* to what is asked for; NULL unless somebody wants to know */
    struct metric *results[CACHE_CLASS_COUNT][CACHE_RESULT_COUNT];
    struct metric *stored, *dropped, *refused, *memory_bytes, *memory_entries, *memory_evictions;
    char holder[UUID_TEXT_SIZE]; /* of locks */
};

/* ---- cache_asked.c ---- */
/* Tells the others that the question was not answered from memory, if anybody could do something about it. */
void cache_asked_tell(struct cache *cache, enum cache_class class, const struct cache_question *question);
MUST_CHECK bool cache_asked_listen(struct cache *cache, struct err *err);
/* ---- cache_keeper.c ---- */
enum { CACHE_NAME_SIZE = 48 };
/* The name of an answer in Redis. */
void cache_answer_name(char name[CACHE_NAME_SIZE], const struct cache_key *key, uint64_t stamp);
/* Queues the entry for Redis, held; false if there is no place within wait_ms. */
bool cache_keeper_put(
    struct cache *cache, struct cache_entry *entry, const char *name, int64_t expires_us, int64_t wait_ms);
void *cache_keeper_run(void *cache);
/* ---- cache_policy.c ---- */
void cache_policies_apply(struct cache *cache, const struct cache_policies *policies);
void cache_policies_hooks(struct cache *cache, struct cache_group_hooks *hooks);
/* What the keeper does for the policies from time to time. */
void cache_policies_keep(struct cache *cache);
/* ---- cache_metrics.c ---- */
void cache_metrics_init(struct cache *cache);
/* Brings the gauges up to date. */
void cache_metrics_look(struct cache *cache);
