/* What the files of live share: live.c (the bus and the thread), live_group.c (who sees what), live_ring.c (events and
 * watchers). */
#pragma once
#include "base/buffer.h"
#include "live/live.h"
#include "metrics/metrics.h"
#include <pthread.h>
#include <stdatomic.h>

enum { RING_EVENTS = 256, RING_BYTES = 4 * 1024 * 1024, EVENT_BYTES = 128 * 1024 };

struct live_sensor {
    int32_t sensor_no;
    char code[65];
    char id[37];
    char unit[17];
};
struct live_chunk {
    atomic_int references;
    const char *type;
    uint64_t number;
    size_t size;
    char data[];
};

/* Those who may see and asked for the same. */
struct live_group {
    struct live_group *next;
    struct live *live;
    char *key;
    struct rpc_caller caller; /* in whose name the registry is asked; any of them, they are alike */
    char *municipality_id, *zone_id, *kind;
    char *names[LIVE_MOST_NAMES];
    size_t name_count;
    size_t watchers; /* with live->lock */
    atomic_bool is_stale;
    int64_t loaded_us;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct live_sensor *sensors; /* by number */
    size_t sensor_count;
    struct buffer pending; /* readings of the event that is being made */
    struct live_chunk *ring[RING_EVENTS];
    uint64_t first, next_number; /* numbers first to next_number - 1 are in the ring */
    size_t ring_bytes;
};

struct live {
    struct bus *bus;
    struct live_config config;
    char instance[17]; /* tells our ids from those of other processes */
    struct queue *messages;
    struct bus_subscription *readings, *events;
    pthread_t teller, reloader;
    bool has_teller, has_reloader;
    atomic_bool is_closing;
    struct metric *watching, *lost, *dropped, *sent;
    pthread_mutex_t lock; /* guards the list and the counts of watchers */
    struct live_group *groups;
    size_t watchers;
};
struct live_watcher {
    struct live_group *group;
    uint64_t next;
};

/* ---- live_group.c ---- */
/* The group of that filter, made and loaded if need be, with one more watcher. */
MUST_CHECK bool live_group_join(struct live_group **out_group, struct live *live, const struct rpc_caller *caller,
    const struct live_filter *filter, struct arena *arena, struct err *err);
void live_group_leave(struct live_group *group);
/* Asks the registry which sensors the group has; what it had stays on failure. */
MUST_CHECK bool live_group_load(struct live_group *group, struct err *err);
/* NULL if the group does not see it. With group->lock held. */
const struct live_sensor *live_group_sensor(const struct live_group *group, int32_t sensor_no);
const struct live_sensor *live_group_sensor_by_id(const struct live_group *group, const char *id);

/* ---- live_ring.c ---- with group->lock held */
void live_ring_put(struct live_group *group, const char *type, const char *data, size_t size);
/* Makes the pending readings an event. */
void live_ring_flush(struct live_group *group);
void live_ring_free(struct live_group *group);
