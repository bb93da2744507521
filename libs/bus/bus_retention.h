/* Gives back the room of a stream: what every durable consumer of it has acknowledged goes, what one of them has not
 * stays however old it is. For streams that refuse when they are full and forget nothing by age. Safe to be done by
 * many at once: any of them removes only what all have read. */
#pragma once
#include "bus/bus.h"

enum { BUS_MOST_READERS = 32, BUS_READER_NAME_SIZE = 64 };

struct bus_retention {
    const char *stream;
    const char *required; /* a durable that must be there: without it nothing goes */
    int64_t keep_ms;      /* what is younger stays though all have read it, for a replay; ... */
    double keep_fill;     /* ... but not beyond this share of max_bytes */
};
struct bus_reader {
    char name[BUS_READER_NAME_SIZE];
    uint64_t read_to; /* it has acknowledged this sequence and all before it, or does not want them */
    uint64_t behind;  /* how many sequences are above that */
};
struct bus_retention_report {
    struct bus_stream_state state; /* before */
    uint64_t read_by_all;
    uint64_t removed;
    bool is_unfinished;                          /* there is more to remove than one round takes */
    struct bus_reader readers[BUS_MOST_READERS]; /* those that did not fit are respected all the same */
    size_t reader_count;
    size_t slowest; /* index of whoever holds most back; of no meaning without readers */
};
/* One round. ERR_NOT_FOUND if there is no such stream. */
MUST_CHECK bool bus_retention_run(struct bus *bus, const struct bus_retention *retention, int64_t now_us,
    struct bus_retention_report *out_report, struct err *err);
