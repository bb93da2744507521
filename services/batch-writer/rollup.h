/* Hours and days of readings, and what else is done by the clock: everything here is done by one replica at a time, and
 * skipped by the others. */
#pragma once
#include "store/store.h"

struct rollup_round {
    bool is_mine;       /* false: another replica is at it */
    size_t sensor_days; /* brought up to date */
    int64_t waiting;    /* marks that are left */
    bool is_full;       /* more than a round's worth of them could be taken at once */
};
/* Takes marks, up to about most_marks, and computes the hours that are over (and a while besides, for stragglers) from
 * the readings, and their days from the hours; one transaction. An hour that still runs would be computed anew with
 * every reading: its marks wait, and are put together when they take many rows. The arena is used and reset. */
MUST_CHECK bool rollup_run(struct store *store, int64_t now_us, int64_t most_marks, struct arena *arena,
    struct rollup_round *out_round, struct err *err);
/* Forgets messages that were committed longer ago than this, and counts by minute after two hours. */
MUST_CHECK bool ledger_prune(struct store *store, int64_t hours, int64_t *out_removed, struct err *err);
