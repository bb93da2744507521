/* The numbers of a device's own sequence that a body brings ("s" of the compact form), as ranges in the order in which
 * they stand there. */
#pragma once
#include "base/arena.h"
#include "base/uuid.h"

/* Above it a double, which is what JSON's numbers are, passes over numbers. */
#define SEQUENCE_HIGHEST (UINT64_C(1) << 53)
enum { SEQUENCE_MOST_MARKS = 1024 };

/* Records first to last came. */
struct sequence_mark {
    uint64_t first, last;
    int64_t at; /* when has_at: when the last was measured, as the device says; microseconds since the epoch */
    bool has_at;
};
/* As a batch has them, which may be of many devices. */
struct device_mark {
    struct uuid device;
    struct sequence_mark mark;
};
struct sequence_marks {
    struct arena *arena;
    struct sequence_mark *items;
    size_t count, capacity;
};
/* Numbers that follow each other, up or down, become one range. With more ranges than SEQUENCE_MOST_MARKS the last one
 * grows over what lies between: nothing that came is taken for missing. False without memory. */
MUST_CHECK bool sequence_marks_add(struct sequence_marks *marks, const struct sequence_mark *mark);
/* False if it is no whole number from 0 to SEQUENCE_HIGHEST. */
MUST_CHECK bool sequence_number(double number, uint64_t *out_number);
