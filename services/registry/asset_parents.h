/* Assets are parts of others; parts form no ring. */
#pragma once
#include "nwims/v1/assets.pb-c.h"
#include "work.h"

/* One change at a time, or two could close a ring between them; until the end of the transaction. */
MUST_CHECK bool asset_parents_lock(struct work *work, const Nwims__V1__Asset *wanted, struct err *err);
/* After work->key's asset was written: a ring is a violation. */
MUST_CHECK bool asset_parents_check(struct work *work, const Nwims__V1__Asset *wanted, struct err *err);
