/* Stores the messages of a group in one transaction, and asks the ledger for those that are stored already. */
#pragma once
#include "group.h"
#include "store/store.h"

/* What a writer's transactions share; the arena is reset for each. */
struct group_store {
    struct partition_list partitions;
    struct mark_set marks;
    struct arena arena;
    int64_t partition_days;
};
void group_store_init(struct group_store *store, int64_t partition_days, size_t arena_bytes);
void group_store_done(struct group_store *store);

/* Sets is_committed, stored and duplicate of the batches that the ledger knows; only_redelivered: asks for those alone.
 */
MUST_CHECK bool group_recognise(struct group_store *store, struct store_session *session, int64_t stream_epoch,
    struct batch *batches, size_t count, bool only_redelivered, size_t *out_known, struct err *err);

enum group_way {
    GROUP_COPY,    /* ERR_CONFLICT if any reading or message is stored already: nothing is, then */
    GROUP_CAREFUL, /* readings that are stored already are counted as duplicates; ERR_CONFLICT only if the ledger has
                      learned of one of the messages meanwhile. Alone among all writers: two that insert the same
                      readings in different orders would lock each other out until PostgreSQL ends one of them, a second
                      later. */
};
/* Stores, enters the ledger, counts, marks and commits; sets stored and duplicate of each batch. */
MUST_CHECK bool group_commit(struct group_store *store, struct store_session *session, int64_t stream_epoch,
    struct batch *batches, size_t count, enum group_way way, struct err *err);
