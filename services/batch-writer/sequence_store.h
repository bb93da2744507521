/* Where devices' own sequences stand, in SQL: taken from the marks of batches, and read for those who are to hear what
 * is missing. */
#pragma once
#include "batch.h"
#include "ingest/sequence_state.h"
#include "store/store.h"

/* Within the transaction that stores the batches; those that are committed already are passed over. Devices are locked
 * in one order, so that writers cannot lock each other out. */
MUST_CHECK bool sequence_store_take(
    struct store_session *session, const struct batch *batches, size_t count, struct arena *arena, struct err *err);

/* A device of which something is to be told. Texts are in the arena. */
struct untold_sequence {
    int32_t tenant_id;
    const char *device_id, *protocol;
    int64_t changed_at;
    bool was_told;
    struct sequence_state state;
};
/* Those that have not changed for settle_ms, the oldest first, at most `most`: two writers that overtake each other
 * make gaps that are none a moment later. */
MUST_CHECK bool sequence_store_untold(struct store_session *session, int64_t settle_ms, size_t most,
    struct arena *arena, struct untold_sequence **out_items, size_t *out_count, struct err *err);
/* They are told now, unless they have changed again. */
MUST_CHECK bool sequence_store_told(struct store_session *session, const struct untold_sequence *items, size_t count,
    struct arena *arena, struct err *err);
