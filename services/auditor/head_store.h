/* Signed heads in the database. */
#pragma once
#include "head.h"
#include "key_store.h"
#include "store/store.h"

/* A head as it is stored, with what the chain says of it now. */
struct stored_head {
    struct chain_head head;
    const char *key_id, *jws; /* in the arena */
    bool has_record;          /* there is a record at its sequence ... */
    bool matches;             /* ... and its hash is the head's        */
};
/* Those of the tenant whose period ended after this time, the oldest first; at most most. The session's transaction
 * names the tenant. */
MUST_CHECK bool head_store_list(struct store_session *session, int32_t tenant_id, int64_t after, size_t most,
    struct arena *arena, struct stored_head **out_heads, size_t *out_count, struct err *err);
/* The newest whose period ended at or before this time; out_has_head false if there is none. */
MUST_CHECK bool head_store_last(struct store_session *session, int32_t tenant_id, int64_t until, struct arena *arena,
    struct stored_head *out_head, bool *out_has_head, struct err *err);
/* Signs every period of the chain that is over and has no head yet, at most most of them; one transaction. ERR_CONFLICT
 * if the chain contradicts its last head: then nothing is signed. */
MUST_CHECK bool head_store_seal(struct store *store, struct key_store *keys, int32_t tenant_id, int64_t period_us,
    size_t most, size_t *out_signed, struct err *err);
/* Every chain there is. */
MUST_CHECK bool head_store_chains(
    struct store *store, struct arena *arena, int32_t **out_tenants, size_t *out_count, struct err *err);
