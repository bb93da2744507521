/* Work that only one replica does at a time: guarded by a transaction-level advisory lock. */
#pragma once
#include "store/store.h"

/* Within the session's transaction: true in out_mine if the lock for name is ours until its end. */
MUST_CHECK bool store_try_lock(struct store_session *session, const char *name, bool *out_mine, struct err *err);
/* Waits for it. */
MUST_CHECK bool store_lock(struct store_session *session, const char *name, struct err *err);
