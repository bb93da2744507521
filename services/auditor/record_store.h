/* Appends records to their chains. */
#pragma once
#include "base/arena.h"
#include "chain.h"
#include "store/store.h"

struct record_appended {
    int64_t stored, duplicate;
    int64_t shortened; /* chains that end before what this process has seen of them: somebody cut them */
};

/* The ends of the chains that this process has written; used by one thread. */
struct chain_ends;
MUST_CHECK struct chain_ends *chain_ends_new(void);
void chain_ends_free(struct chain_ends *ends);
AUTO_DEFINE(chain_ends, chain_ends_free)

/* One transaction, committed: each record once, by its id, however often it is given. records are sorted by tenant, so
 * that two processes that do this at the same time take the chains' locks in the same order; sequence, recorded_at,
 * previous and hash of those that are stored are filled. ERR_INPUT if PostgreSQL cannot take one of them. is_thorough:
 * look for ids in all months (after ERR_CONFLICT), not only since they were made. */
MUST_CHECK bool record_store_append(struct store_session *session, struct chain_ends *ends,
    struct record *const *records, size_t count, bool is_thorough, struct arena *arena,
    struct record_appended *out_appended, struct err *err);
/* Makes the partitions of this month and the next. */
MUST_CHECK bool record_store_make_months(struct store *store, struct err *err);
