/* One miss for an answer asks the owner once, however many wait for it. Any thread. Inside libs/cache only. */
#pragma once
#include "cache/cache_entry.h"
#include "cache/cache_key.h"

struct cache_flights;
struct cache_flight;
MUST_CHECK struct cache_flights *cache_flights_new(void);
void cache_flights_free(struct cache_flights *flights); /* none may be under way */
AUTO_DEFINE(cache_flights, cache_flights_free)

enum cache_join {
    CACHE_JOIN_LEADS,  /* the caller asks, and ends the flight */
    CACHE_JOIN_GOT,    /* somebody asked: here is the answer */
    CACHE_JOIN_FAILED, /* somebody asked, and there is nothing to share (an error, no memory) */
    CACHE_JOIN_LATE,   /* the deadline came first */
};
/* Begins the flight for the key under the stamp or waits for the one that is under way. Only those join that would take
 * the same answer: a write between gives another stamp. */
enum cache_join cache_flight_join(struct cache_flights *flights, const struct cache_key *key, uint64_t stamp,
    int64_t deadline_us, struct cache_flight **out_flight, struct cache_entry **out_entry);
/* By whoever leads, once; entry NULL: nothing to share. Each who waits holds it for himself. */
void cache_flight_end(struct cache_flight *flight, struct cache_entry *entry);
