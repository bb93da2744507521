/* The keys that sign access tokens: in the database wrapped under the master key, the active one in memory. Any thread.
 */
#pragma once
#include "auth/auth.h"
#include "nwims/v1/identity.pb-c.h"
#include "store/store.h"
#include "wire/wire.h"

struct key_store;

/* Loads the active key, or makes the first one. ERR_CONFIG if the master key is another than the one that wrapped it.
 */
MUST_CHECK bool key_store_open(
    struct key_store **out_keys, struct store *store, const char *master_key, int64_t rotation_ms, struct err *err);
void key_store_close(struct key_store *keys);
AUTO_DEFINE(key_store, key_store_close)
/* Rotates if it is time and takes over what another replica has done; to be called every minute. */
MUST_CHECK bool key_store_refresh(struct key_store *keys, struct err *err);
/* Within the session's transaction: lets the next key take over as soon as it has been public long enough; in an
 * emergency makes a new one and forgets all others, so that what they signed is dead. key_store_refresh takes it over.
 */
MUST_CHECK bool key_store_rotate_now(
    struct key_store *keys, struct store_session *session, bool is_emergency, struct err *err);
MUST_CHECK bool key_store_sign(
    struct key_store *keys, struct buffer *out, const struct access_claims *claims, struct err *err);
/* All public halves, as they are in the database now: another replica may have made one a moment ago. */
MUST_CHECK bool key_store_list(struct key_store *keys, struct arena *arena, Nwims__V1__Jwks *out_jwks, struct err *err);
