/* Logins and refresh tokens in the database. */
#pragma once
#include "auth/auth.h"
#include "store/store.h"

struct login_candidate {
    char user_id[40];
    int32_t tenant_id;
    char password_hash[PASSWORD_HASH_SIZE];
    bool is_active; /* the user and the tenant */
};
/* out_found is false, and all else empty, if there is no such user. tenant_id 0: whichever. Within the session's
 * transaction, as all here. */
MUST_CHECK bool session_find_login(struct store_session *session, const char *email, int32_t tenant_id,
    struct login_candidate *out_candidate, bool *out_found, struct err *err);
MUST_CHECK bool session_note_login(
    struct store_session *session, int32_t tenant_id, const char *user_id, struct err *err);

struct refresh_family {
    char id[40];
    char user_id[40];
    int32_t tenant_id;
};
MUST_CHECK bool session_find_family(struct store_session *session, const unsigned char hash[SHA256_SIZE],
    struct refresh_family *out_family, bool *out_found, struct err *err);
/* One refresh or logout of a family at a time; in the family's tenant, as all below. */
MUST_CHECK bool session_lock_family(
    struct store_session *session, const struct refresh_family *family, struct err *err);

enum refresh_outcome { REFRESH_GOOD, REFRESH_OVER, REFRESH_REUSED };
/* Uses the token up. One that was used within retry_ms is good again, a few times, as long as nothing that came of it
 * was used: its answer was lost on the way. Of several that came of the same token one can be used: whoever brings
 * another one then has a copy. */
MUST_CHECK bool session_use_token(struct store_session *session, int32_t tenant_id,
    const unsigned char hash[SHA256_SIZE], int64_t retry_ms, enum refresh_outcome *out_outcome, struct err *err);
/* parent: the token that it is given for; NULL at the login. */
MUST_CHECK bool session_put_token(struct store_session *session, const unsigned char hash[SHA256_SIZE],
    const unsigned char *parent, const struct refresh_family *family, int64_t lives_ms, struct err *err);
MUST_CHECK bool session_end_family(struct store_session *session, const struct refresh_family *family, struct err *err);
/* Deletes what is over. */
MUST_CHECK bool session_purge(struct store *store, struct err *err);
