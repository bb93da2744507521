/* What ends tokens before their time. Each within the session's transaction, in its tenant; the last thing in it,
 * because it takes the lock under which revocations become visible in the order of their ids. */
#pragma once
#include "rpc/rpc.h"
#include "store/store.h"

struct revocation {
    int32_t tenant_id;
    const char *kind; /* user, tenant, session, key */
    const char *subject;
    int32_t epoch;    /* tokens of a lower one are dead; of a session all are */
    int64_t lives_ms; /* how long the youngest token that it concerns may live */
};
MUST_CHECK bool revocation_put(
    struct store_session *session, const struct rpc_call *call, const struct revocation *revocation, struct err *err);
/* Ends all access tokens of one user; with its sessions, refresh tokens too. */
MUST_CHECK bool revocation_of_user(struct store_session *session, const struct rpc_call *call, int32_t tenant_id,
    const char *user_id, bool with_sessions, int64_t lives_ms, struct err *err);
/* Ends all access tokens of whoever has the role, so that their next ones have what it grants now. */
MUST_CHECK bool revocation_of_role(struct store_session *session, const struct rpc_call *call, int32_t tenant_id,
    const char *role, int64_t lives_ms, struct err *err);
