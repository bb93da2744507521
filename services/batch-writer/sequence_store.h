/* Where devices' own sequences stand, in SQL. Writers put what their batches say beside the readings; one of all
 * replicas takes it in the order of the stream; and what is missing is read for those who are to hear it. */
#pragma once
#include "batch.h"
#include "ingest/sequence_state.h"
#include "store/store.h"

/* Within the transaction that stores the batches; those that are committed already are passed over. */
MUST_CHECK bool sequence_store_put(struct store_session *session, int64_t stream_epoch, const struct batch *batches,
    size_t count, struct arena *arena, struct err *err);
/* Takes what the oldest messages said, at most `most` of them: of the stream of this epoch those up to stored_to, below
 * which every message is stored; of earlier streams all. A transaction of its own; nothing if another replica is at it.
 * The arena is reset. */
MUST_CHECK bool sequence_store_take(struct store_session *session, int64_t stream_epoch, int64_t stored_to, size_t most,
    struct arena *arena, size_t *out_taken, struct err *err);

/* A device of which something is to be told. Texts are in the arena. */
struct untold_sequence {
    int32_t tenant_id;
    const char *device_id, *protocol;
    int64_t changed_at;
    bool was_told;
    struct sequence_state state;
};
/* The oldest change first, at most `most`. */
MUST_CHECK bool sequence_store_untold(struct store_session *session, size_t most, struct arena *arena,
    struct untold_sequence **out_items, size_t *out_count, struct err *err);
/* They are told now, unless they have changed again. */
MUST_CHECK bool sequence_store_told(struct store_session *session, const struct untold_sequence *items, size_t count,
    struct arena *arena, struct err *err);
