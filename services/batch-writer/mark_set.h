/* A set of (sensor number, hour since 1970), kept as two parallel arrays. Reused from one transaction to the next. One
 * thread. */
#pragma once
#include "base/err.h"

struct mark_set {
    int32_t *sensor_no;
    int32_t *hour;
    size_t count;
    uint64_t *slots; /* open addressing; 0: free */
    size_t slot_count;
    uint64_t last; /* the mark put last: readings of a sensor tend to follow each other */
};

void mark_set_init(struct mark_set *set);
void mark_set_done(struct mark_set *set);
void mark_set_reset(struct mark_set *set);
/* sensor_no is positive. ERR_TRANSIENT when memory is out. */
MUST_CHECK bool mark_set_put(struct mark_set *set, int32_t sensor_no, int32_t hour, struct err *err);
