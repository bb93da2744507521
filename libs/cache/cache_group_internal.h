/* What the files of the group share. */
#pragma once
#include "base/uuid.h"
#include "cache/cache_class.h"
#include "cache/cache_group.h"
#include "metrics/metrics.h"
#include "nwims/v1/cache.pb-c.h"
#include "wire/wire.h"
#include <pthread.h>
#include <stdatomic.h>

/* LEASE: how long a beat that came back lets a member use what it holds. A silent member is out of the list after twice
 * that, and a new one waits longer than that before it uses anything, so that no list lacks one that does. */
enum {
    BEAT_MS = 100,
    LEASE_MS = 500,
    SILENT_MS = 2 * LEASE_MS,
    SHARE_AGAIN_MS = 2000,
    JOIN_MS = 2 * LEASE_MS + 2 * BEAT_MS,
    ACK_MS = LEASE_MS + BEAT_MS / 2, /* after the bump was seen on the bus */
    BUMP_LONGEST_MS = 1500,
    AGAIN_MS = 25,
    STATISTICS_MS = 1000,
    MOST_PEERS = 64,
    BEATS_KEPT = 64,
    GROUP_ARENA_BYTES = 256 * 1024,
    GROUP_STACK_BYTES = 256 * 1024,
};
#define CACHE_SUBJECT_BEAT "cache.group.beat"
#define CACHE_SUBJECT_BUMP "cache.group.bump"
#define CACHE_SUBJECT_STATISTICS "cache.group.statistics"
#define CACHE_SUBJECT_POLICIES "cache.group.policies"

struct peer {
    char member[UUID_TEXT_SIZE];
    int64_t heard_us;
    bool vouches, has_pending;
    bool has_lapsed; /* it did not acknowledge while a lease lasts: nobody waits for it until it beats again */
    bool is_awaited; /* in the round that runs */
    bool has_statistics;
    struct cache_statistics statistics;
};

/* What waits for the next round, and how rounds are told apart. */
struct rounds {
    struct cache_marks next;
    bool next_is_told;          /* the others are to be told; not so for events, which reach them all */
    uint64_t number, done;      /* of the round that collects, of the last that ended */
    uint64_t awaited_number;    /* whose acknowledgements count */
    bool was_seen;              /* our own bump came back: the bus has it */
    bool is_whole;              /* how the last round ended */
    struct cache_marks pending; /* could not be taken out of Redis yet */
    uint64_t pending_number;    /* rises with every addition */
};

struct cache_group {
    struct cache_group_config config;
    char member[UUID_TEXT_SIZE];
    struct bus_subscription *group, *acks, *events;
    atomic_bool was_cut_off; /* the bus was away for a moment: what was told meanwhile is missed */
    pthread_mutex_t lock;    /* guards what is not atomic */
    pthread_cond_t changed;
    struct peer peers[MOST_PEERS];
    size_t peer_count;
    bool is_too_many; /* more than we can list: nobody may be waited for, so everybody is: LEASE_MS */
    uint64_t beat;
    int64_t told_statistics_us;
    int64_t sent_us[BEATS_KEPT];
    int64_t joined_us; /* since when the lease has not lapsed */
    bool is_joined;
    atomic_int_fast64_t lease_until_us, ready_from_us;
    atomic_bool has_pending;
    enum redis_state redis_was;
    int64_t shared_again_us; /* when numbers of our own were last given up for shared ones; of the ticker */
    struct rounds rounds;
    bool must_stop;
    pthread_t ticker, bumper;
    bool has_ticker, has_bumper;
    struct metric *bumps, *bumps_broken, *lapses, *members, *waits;
};

/* ---- cache_rounds.c ---- */
/* Runs rounds until told to stop. */
void *cache_rounds_run(void *group);
/* A bump of another member, or our own come back. */
void cache_rounds_on_bump(struct cache_group *group, const Nwims__V1__CacheBump *bump);
void cache_rounds_on_ack(struct cache_group *group, const Nwims__V1__CacheAck *ack);
/* events.<tenant>.<entity> */
void cache_rounds_on_event(struct cache_group *group, const char *subject);
/* Adds to what must leave Redis before it is trusted; the lock is held. */
void cache_rounds_add_pending(struct cache_group *group, const struct cache_marks *marks);
/* Tries again. */
void cache_rounds_mend(struct cache_group *group);
/* ---- cache_group.c ---- */
MUST_CHECK bool cache_group_publish(
    struct cache_group *group, const char *subject, const ProtobufCMessage *message, struct err *err);
/* Waits on group->changed until the monotonic time; the lock is held. */
void cache_group_wait_until(struct cache_group *group, int64_t until_us);
