/* The people of one tenant in the database. Each within the session's transaction, in the tenant. */
#pragma once
#include "assignment.h"
#include "store/store.h"

struct new_user {
    char id[40];
    int32_t tenant_id;
    const char *email;
    const char *name; /* may be NULL */
    const char *password_hash;
    const struct assignments *assignments;
};
/* ERR_CONFLICT if the address is taken in this tenant or it has as many users as its quota lets, ERR_NOT_FOUND if there
 * is no such tenant. */
MUST_CHECK bool user_store_create(struct store_session *session, const struct new_user *user, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err);
/* ERR_NOT_FOUND, as all below. */
MUST_CHECK bool user_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err);
/* after: the id of the last of the page before, NULL for the first. */
MUST_CHECK bool user_store_list(struct store_session *session, int32_t tenant_id, const char *after, int64_t limit,
    struct arena *arena, Nwims__V1__ListUsersReply *out_reply, struct err *err);
/* What is NULL stays. */
MUST_CHECK bool user_store_update(struct store_session *session, int32_t tenant_id, const char *id, const char *email,
    const char *name, bool clears_name, struct err *err);
MUST_CHECK bool user_store_set_roles(struct store_session *session, int32_t tenant_id, const char *id,
    const struct assignments *assignments, struct err *err);
MUST_CHECK bool user_store_set_state(
    struct store_session *session, int32_t tenant_id, const char *id, const char *state, struct err *err);
MUST_CHECK bool user_store_delete(struct store_session *session, int32_t tenant_id, const char *id, struct err *err);
