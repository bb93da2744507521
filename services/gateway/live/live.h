/* Readings and changes as they happen, for many watchers. One subscription to the bus serves all; watchers who may see
 * and asked for the same share a group: its sensors, as the registry lists them for such a caller (so the owner decides
 * what is within whose scope), and a ring of the latest events. A watcher is a place in the ring and holds nothing
 * else; who falls out of it was too slow. Any thread. */
#pragma once
#include "base/arena.h"
#include "bus/bus.h"
#include "rpc/rpc.h"

struct live;
struct live_watcher;

struct live_config {
    size_t most_watchers;
    size_t most_sensors; /* that one group may have */
};
MUST_CHECK bool live_open(struct live **out_live, struct bus *bus, const struct live_config *config, struct err *err);
/* No watcher may be left. */
void live_close(struct live *live);
AUTO_DEFINE(live, live_close)

/* How many watch now. */
size_t live_watchers(struct live *live);

enum { LIVE_MOST_NAMES = 100 };
/* What a watcher wants to see: everything that it may, or less. Texts borrowed until the call returns, NULL for any. */
struct live_filter {
    const char *municipality_id;
    const char *zone_id;
    const char *kind;
    char **sensor_ids; /* ids or codes; none: all */
    size_t sensor_count;
};

/* Waits for the registry when the group is new. ERR_LIMIT: too many watchers; ERR_INPUT: more sensors than one may
 * watch; ERR_NOT_FOUND for a sensor that is not there; else as the registry answers. */
MUST_CHECK bool live_watch(struct live_watcher **out_watcher, struct live *live, const struct rpc_caller *caller,
    const struct live_filter *filter, struct arena *arena, struct err *err);
void live_unwatch(struct live_watcher *watcher);
AUTO_DEFINE(live_watcher, live_unwatch)
/* Goes on behind the event of that id (Last-Event-ID); false if it has left the ring or was another process'. */
MUST_CHECK bool live_resume(struct live_watcher *watcher, const char *last_event_id);

enum { LIVE_ID_SIZE = 48 };
struct live_event {
    const char *type; /* "readings" or "change" */
    char id[LIVE_ID_SIZE];
    const char *data; /* one line of JSON */
    size_t size;
    struct live_chunk *chunk; /* what holds it */
};
enum live_answer {
    LIVE_EVENT,   /* to be given back with live_event_done             */
    LIVE_NOTHING, /* the time is over                                  */
    LIVE_LOST,    /* too slow: events went that this watcher has not had */
};
enum live_answer live_next(struct live_watcher *watcher, int64_t wait_ms, struct live_event *out_event);
void live_event_done(struct live_event *event);
