/* What the server says of all its streams and of those who read them: for status pages. Blocking; any thread. */
#pragma once
#include "base/arena.h"
#include "bus/bus.h"

struct bus_consumer_status {
    char *name;
    int64_t created_at_us;
    uint64_t waiting;         /* messages of its filter that it was not given yet: its lag */
    uint64_t unacknowledged;  /* given and not acknowledged */
    uint64_t redelivered;     /* of these, more than once */
    uint64_t acknowledged_to; /* stream sequence up to which all is acknowledged */
    uint64_t requests;        /* pull requests open: somebody listens */
};
struct bus_stream_status {
    char *name;
    uint64_t messages, bytes, first_sequence, last_sequence;
    int64_t most_bytes;   /* its ceiling; -1: none */
    int64_t most_age_us;  /* 0: no bound */
    int64_t oldest_at_us; /* 0: it is empty */
    int64_t newest_at_us; /* of the last message ever; 0: there was none */
    bool is_work_queue;
    struct bus_consumer_status *consumers;
    size_t consumer_count;
};
/* Everything lives in the arena: ERR_LIMIT when it is full. */
MUST_CHECK bool bus_streams_status(
    struct bus *bus, struct arena *arena, struct bus_stream_status **out_streams, size_t *out_count, struct err *err);
