/* The people of one tenant in the database. */
#pragma once
#include "nwims/v1/identity.pb-c.h"
#include "store/store.h"

struct new_user {
    char id[40];
    int32_t tenant_id;
    const char *email;
    const char *name; /* may be NULL */
    const char *password_hash;
    const char *const *roles;
    size_t role_count;
};
/* Within the session's transaction, as all here. ERR_CONFLICT if the address is taken in this tenant, ERR_NOT_FOUND if
 * there is no such tenant. */
MUST_CHECK bool user_store_create(struct store_session *session, const struct new_user *user, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err);
MUST_CHECK bool user_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err);
/* after: the id of the last of the page before, NULL for the first. */
MUST_CHECK bool user_store_list(struct store_session *session, int32_t tenant_id, const char *after, int64_t limit,
    struct arena *arena, Nwims__V1__ListUsersReply *out_reply, struct err *err);
