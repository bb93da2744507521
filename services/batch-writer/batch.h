/* One message of readings: decoded into an arena, checked against the bounds of the table. No I/O. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "nwims/v1/readings.pb-c.h"

struct bus_message;

struct batch {
    const Nwims__V1__ReadingBatch *wire;
    const int64_t *observed_at; /* microseconds since the epoch, count of them */
    size_t count;
    int64_t oldest_at, newest_at;
    struct bus_message *message;
    uint64_t sequence;  /* in the stream */
    uint64_t delivered; /* 1: the first time */
    int64_t stored, duplicate;
    bool is_committed; /* by an earlier delivery: nothing to store, stored and duplicate are what it came to */
};

enum { MICROSECONDS = 1000000 };
#define MINUTE_US (60 * INT64_C(1000000))
#define DAY_US (86400 * INT64_C(1000000))
#define HOUR_US (3600 * INT64_C(1000000))
/* 2000-01-01: no reading is older. */
#define BATCH_OLDEST_AT INT64_C(946684800000000)

/* There may be no readings, when there are marks of devices' sequences. Fills wire, observed_at, count, oldest_at and
 * newest_at; the batch points into the arena. Times up to a day after now_us are taken. ERR_INPUT with a word for the
 * subject of the dead letter in out_reason; ERR_LIMIT when the arena is full. */
MUST_CHECK bool batch_decode(struct batch *batch, struct arena *arena, const void *bytes, size_t size, int64_t now_us,
    const char **out_reason, struct err *err);
