/* The API keys of a tenant in the database. Each within the session's transaction, in the tenant, unless it says else.
 */
#pragma once
#include "auth/auth.h"
#include "auth/grants.h"
#include "nwims/v1/identity.pb-c.h"
#include "store/store.h"

enum { API_KEY_PREFIX_SIZE = 13 }; /* "nwk_" and 8 characters: tells keys from each other, helps nobody to guess */
struct api_key_secret {
    char text[AUTH_SECRET_TEXT_SIZE];
    char prefix[API_KEY_PREFIX_SIZE];
    unsigned char hash[SHA256_SIZE];
};
void api_key_secret_new(struct api_key_secret *secret);

MUST_CHECK bool api_key_store_create(struct store_session *session, int32_t tenant_id, const Nwims__V1__ApiKey *key,
    const struct api_key_secret *secret, const char *created_by, struct arena *arena, Nwims__V1__ApiKey *out_key,
    struct err *err);
MUST_CHECK bool api_key_store_list(struct store_session *session, int32_t tenant_id, const char *after, int64_t limit,
    struct arena *arena, Nwims__V1__ListApiKeysReply *out_reply, struct err *err);
/* Locks the row. ERR_NOT_FOUND, as all below. */
MUST_CHECK bool api_key_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__ApiKey *out_key, struct err *err);
/* The old secret is good for grace_ms more; 0: no longer. expires_at 0: it lives as long again as it did. */
MUST_CHECK bool api_key_store_rotate(struct store_session *session, int32_t tenant_id, const char *id,
    const struct api_key_secret *secret, const char *created_by, int64_t grace_ms, int64_t expires_at,
    struct arena *arena, Nwims__V1__ApiKey *out_key, struct err *err);
MUST_CHECK bool api_key_store_delete(struct store_session *session, int32_t tenant_id, const char *id, struct err *err);

/* What stands behind a hash, in whatever tenant; out_found is false if nothing does. */
struct api_key_found {
    char id[40], created_by[40];
    int32_t tenant_id, epoch, tenant_epoch;
    bool is_active; /* the tenant is, and the key is not over */
    int64_t ends_at;
    struct grants grants; /* as given; its maker may do less by now */
};
MUST_CHECK bool api_key_store_find(struct store_session *session, const void *hash, size_t size, int64_t now_us,
    struct api_key_found *out_key, bool *out_found, struct err *err);
