/* Rebuilding the index of a partition that nobody writes to any more.
 *
 * Sensors that report in turn leave the primary key (sensor_no, observed_at) half empty: each sensor grows in the
 * middle of the index, where PostgreSQL splits a page into two halves, and the older half never fills again. Built anew
 * and full, the index of a reading takes 28 bytes instead of 51 (docs/adr/0040). */
#pragma once
#include "partition.h"
#include "store/store.h"
#include <stdatomic.h>

struct compaction_report {
    char partition[PARTITION_NAME_SIZE]; /* "": none is due, or another replica is at it */
    int64_t bytes_before, bytes_after;   /* of the index */
};

/* Notes which partitions have grown, and rebuilds one that has not for quiet_ms and whose index is loose. Takes as long
 * as the index is large; readers and writers go on meanwhile. apart: a store for this alone, without a time limit,
 * whose closing ends our turn. out_backend holds the server process at work meanwhile, else 0: compaction_cancel ends
 * it. */
MUST_CHECK bool compaction_run(struct store *apart, int64_t quiet_ms, atomic_int *out_backend,
    struct compaction_report *out_report, struct err *err);
/* From another thread, on another store: makes compaction_run fail soon. What was built is removed by the next run. */
void compaction_cancel(struct store *store, atomic_int *backend);
