/* The thread that does what goes by the clock: rollups, partitions ahead of time, the ledger's old rows. */
#pragma once
#include "writer.h"

struct chores;
MUST_CHECK bool chores_start(struct chores **out_chores, struct writer_shared *shared, struct err *err);
/* Ends it. NULL is fine. */
void chores_stop(struct chores *chores);

/* How long to leave the processors to the writers after a round that took so long. is_full: there is enough for another
 * round at once; rounds_behind: how many rounds' worth of marks wait. */
int64_t chores_pause_ms(int64_t rollup_ms, int64_t took_ms, bool is_busy, bool is_full, int64_t rounds_behind);
