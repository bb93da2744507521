/* Who may do what to whom, and that somebody is left who may: shared by all methods that change people. Each within a
 * transaction in the caller's tenant. */
#pragma once
#include "identity.h"
#include "user_account.h"

/* Holds the people of the tenant, so that two administrators do not remove each other at once, and reads one of them.
 * ERR_NOT_FOUND if there is no such user in the tenant; ERR_DENIED if the user may do more than the caller: whoever
 * changes somebody could otherwise become them. */
MUST_CHECK bool people_hold(struct store_session *session, const struct rpc_call *call, const char *user_id,
    struct user_account *out_account, struct err *err);
/* The lock alone. */
MUST_CHECK bool people_lock(struct store_session *session, int32_t tenant_id, struct err *err);

/* How many active users may administer the tenant's people, and in tenant 1 the nation. */
struct people_administrators {
    int64_t of_tenant, of_nation;
};
MUST_CHECK bool people_count_administrators(
    struct store_session *session, int32_t tenant_id, struct people_administrators *out_count, struct err *err);
/* ERR_CONFLICT if there were some before and there is none now. */
MUST_CHECK bool people_administrators_remain(
    struct store_session *session, int32_t tenant_id, const struct people_administrators *before, struct err *err);

/* Asks for the caller's password; counted and locked as logins are. ERR_DENIED if it is wrong. */
MUST_CHECK bool password_confirm(struct identity *identity, struct rpc_call *call, const char *password,
    struct user_account *out_account, struct err *err);
