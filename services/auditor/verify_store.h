/* Records in the order of their chain. The session's transaction names the tenant. */
#pragma once
#include "chain.h"
#include "store/store.h"

/* Those behind (sequence, id), at most most; all of them and their texts in the arena. */
MUST_CHECK bool verify_store_page(struct store_session *session, int32_t tenant_id, int64_t sequence,
    const struct uuid *id, size_t most, struct arena *arena, struct record **out_records, size_t *out_count,
    struct err *err);
/* Where to begin for records stored from this time on: the last record before them; out_record->sequence 0 if there is
 * none, then the chain begins with them. */
MUST_CHECK bool verify_store_before(struct store_session *session, int32_t tenant_id, int64_t from_at,
    struct arena *arena, struct record *out_record, struct err *err);
/* Now by PostgreSQL's clock and when the chain began; 0 if it did not. */
MUST_CHECK bool verify_store_clock(
    struct store_session *session, int32_t tenant_id, int64_t *out_now, int64_t *out_began_at, struct err *err);
/* The hash of the record at this place, in hexadecimal in the arena; NULL if there is none. */
MUST_CHECK bool verify_store_hash(struct store_session *session, int32_t tenant_id, int64_t sequence,
    struct arena *arena, const char **out_hash, struct err *err);
