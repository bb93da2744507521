/* The keys that sign heads, wrapped in the database under the master key. A key that does not unwrap is none of ours:
 * whoever puts his own into the table signs nothing that we believe. Any thread. */
#pragma once
#include "auth/auth.h"
#include "head.h"
#include "nwims/v1/audit.pb-c.h"
#include "store/store.h"

enum { KEY_ID_SIZE = 40 };
struct key_store;
/* Makes the first key if there is none. ERR_CONFIG if there are some and none unwraps: another master key. */
MUST_CHECK bool key_store_open(
    struct key_store **out_keys, struct store *store, const char *master_key, int64_t rotation_ms, struct err *err);
void key_store_close(struct key_store *keys);
AUTO_DEFINE(key_store, key_store_close)
/* Reads what is new; makes the next key when the present one is old enough. */
MUST_CHECK bool key_store_refresh(struct key_store *keys, struct err *err);
/* The compact form, with the newest key; key_id says which. */
MUST_CHECK bool key_store_sign(struct key_store *keys, struct buffer *out_jws, char key_id[KEY_ID_SIZE],
    const struct chain_head *head, struct err *err);
/* Whether jws is the signature of exactly this head by a key of ours. */
MUST_CHECK bool key_store_verify(
    struct key_store *keys, const struct chain_head *head, const char *key_id, const char *jws);
/* The public halves. */
MUST_CHECK bool key_store_list(
    struct key_store *keys, struct arena *arena, Nwims__V1__AuditKeys *out_keys, struct err *err);
