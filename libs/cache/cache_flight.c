#include "cache/cache_flight.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/map.h"
#include "base/text.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 16, MOST_FLIGHTS = 4096 };

struct shard {
    pthread_mutex_t lock;
    struct map *flights;
};

struct cache_flights {
    struct shard shards[SHARDS];
};

/* Guarded by its shard's lock. Lives until the leader and the last who waited have let go. */
struct cache_flight {
    struct shard *shard;
    pthread_cond_t ended;
    size_t holders;
    bool has_ended;
    struct cache_entry *entry;
    size_t name_size;
    char name[sizeof(uint64_t) + CACHE_KEY_SIZE];
};

struct cache_flights *cache_flights_new(void)
{
    struct cache_flights *flights = calloc(1, sizeof *flights);
    bool ok = flights != NULL;
    for (size_t i = 0; flights && i < SHARDS; i++) {
        pthread_mutex_init(&flights->shards[i].lock, NULL);
        flights->shards[i].flights = map_new(MOST_FLIGHTS);
        ok = ok && flights->shards[i].flights;
    }
    if (ok)
        return flights;
    cache_flights_free(flights);
    return NULL;
}

void cache_flights_free(struct cache_flights *flights)
{
    for (size_t i = 0; flights && i < SHARDS; i++) {
        map_free(flights->shards[i].flights, NULL);
        pthread_mutex_destroy(&flights->shards[i].lock);
    }
    free(flights);
}

static size_t make_name(char *name, const struct cache_key *key, uint64_t stamp)
{
    memcpy(name, &stamp, sizeof stamp);
    memcpy(name + sizeof stamp, key->bytes, key->size);
    return sizeof stamp + key->size;
}

/* The lock is held. NULL without memory or with too many under way. */
static struct cache_flight *begin(struct shard *shard, const char *name, size_t name_size)
{
    struct cache_flight *flight = calloc(1, sizeof *flight);
    if (!flight || !map_put(shard->flights, name, name_size, flight, NULL)) {
        free(flight);
        return NULL;
    }
    flight->shard = shard;
    flight->holders = 1;
    flight->name_size = name_size;
    memcpy(flight->name, name, name_size);
    condition_init(&flight->ended);
    return flight;
}

/* The lock is held. */
static void let_go(struct cache_flight *flight)
{
    if (--flight->holders > 0)
        return;
    cache_entry_release(flight->entry);
    pthread_cond_destroy(&flight->ended);
    free(flight);
}

/* The lock is held. */
static enum cache_join await(struct cache_flight *flight, int64_t deadline_us, struct cache_entry **out_entry)
{
    flight->holders++;
    while (!flight->has_ended && condition_wait_until(&flight->ended, &flight->shard->lock, deadline_us))
        ;
    enum cache_join join = !flight->has_ended ? CACHE_JOIN_LATE : flight->entry ? CACHE_JOIN_GOT : CACHE_JOIN_FAILED;
    if (join == CACHE_JOIN_GOT)
        *out_entry = cache_entry_hold(flight->entry);
    let_go(flight);
    return join;
}

enum cache_join cache_flight_join(struct cache_flights *flights, const struct cache_key *key, uint64_t stamp,
    int64_t deadline_us, struct cache_flight **out_flight, struct cache_entry **out_entry)
{
    char name[sizeof(uint64_t) + CACHE_KEY_SIZE];
    size_t name_size = make_name(name, key, stamp);
    struct shard *shard = &flights->shards[text_hash(name, name_size) % SHARDS];
    enum cache_join join;
    pthread_mutex_lock(&shard->lock);
    struct cache_flight *flight = map_get(shard->flights, name, name_size);
    if (flight) {
        join = await(flight, deadline_us, out_entry);
    } else {
        *out_flight = begin(shard, name, name_size);
        join = *out_flight ? CACHE_JOIN_LEADS : CACHE_JOIN_FAILED;
    }
    pthread_mutex_unlock(&shard->lock);
    return join;
}

void cache_flight_end(struct cache_flight *flight, struct cache_entry *entry)
{
    struct shard *shard = flight->shard;
    pthread_mutex_lock(&shard->lock);
    map_remove(shard->flights, flight->name, flight->name_size);
    flight->has_ended = true;
    flight->entry = entry ? cache_entry_hold(entry) : NULL;
    pthread_cond_broadcast(&flight->ended);
    let_go(flight);
    pthread_mutex_unlock(&shard->lock);
}
