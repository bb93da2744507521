/* Hours and days of readings, and what else is done by the clock: everything here is done by one replica at a time, and
 * skipped by the others. */
#pragma once
#include "store/store.h"

struct rollup_round {
    bool is_mine;       /* false: another replica is at it */
    size_t sensor_days; /* brought up to date */
    bool is_full;       /* the bound was reached: there is more */
};
/* Takes marks of due hours, up to about most_marks, and computes exactly those hours from the readings and their days
 * from the hours; one transaction. The arena is used and reset. */
MUST_CHECK bool rollup_run(
    struct store *store, int64_t most_marks, struct arena *arena, struct rollup_round *out_round, struct err *err);
/* Marks that wait. */
MUST_CHECK bool rollup_waiting(struct store *store, int64_t *out_marks, struct err *err);
/* Forgets messages that were committed longer ago than this. */
MUST_CHECK bool ledger_prune(struct store *store, int64_t hours, int64_t *out_removed, struct err *err);
