#include "revocation_store.h"
#include "identity.h"
#include "store/store_timer.h"

/* Gateways hear it and ask for what is new: the event is the bell, the table the truth. */
static bool ring(struct store_session *session, const struct rpc_call *call, int32_t tenant_id, const char *kind,
    const char *subject, struct err *err)
{
    const struct identity_change change = {
        .tenant_id = tenant_id, .entity = "revocation", .id = subject, .change = kind
    };
    return identity_announce(session, call, &change, err);
}

bool revocation_put(
    struct store_session *session, const struct rpc_call *call, const struct revocation *revocation, struct err *err)
{
    return store_lock(session, "identity.revocation", err) &&
           store_run(session,
               "INSERT INTO revocation (tenant_id, kind, subject, epoch, ends_at) "
               "VALUES ($1, $2, $3, $4, clock_timestamp() + $5::int8 * interval '1 millisecond')",
               PARAMS(PARAM_INT(revocation->tenant_id), PARAM_TEXT(revocation->kind), PARAM_TEXT(revocation->subject),
                   PARAM_INT(revocation->epoch), PARAM_INT(revocation->lives_ms)),
               NULL, err) &&
           ring(session, call, revocation->tenant_id, revocation->kind, revocation->subject, err);
}

bool revocation_of_user(struct store_session *session, const struct rpc_call *call, int32_t tenant_id,
    const char *user_id, bool with_sessions, int64_t lives_ms, struct err *err)
{
    AUTO(store_result) row = NULL;
    if (with_sessions && !store_run(session, "DELETE FROM refresh_token WHERE tenant_id = $1 AND user_id = $2",
                             PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(user_id)), NULL, err))
        return false;
    if (!store_query(session, &row,
            "UPDATE app_user SET epoch = epoch + 1 WHERE tenant_id = $1 AND id = $2 RETURNING epoch",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(user_id)), err))
        return false;
    if (store_result_rows(row) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such user");
    const struct revocation revocation = { .tenant_id = tenant_id,
        .kind = "user",
        .subject = user_id,
        .epoch = (int32_t)store_result_int(row, 0, 0),
        .lives_ms = lives_ms };
    return revocation_put(session, call, &revocation, err);
}

bool revocation_of_role(struct store_session *session, const struct rpc_call *call, int32_t tenant_id, const char *role,
    int64_t lives_ms, struct err *err)
{
    /* The rows first, then the lock: as all others do. */
    return store_run(session,
               "SELECT id FROM app_user u WHERE u.tenant_id = $1 AND ($2 = ANY (u.roles) OR EXISTS (SELECT 1 FROM "
               "role_assignment a WHERE a.tenant_id = $1 AND a.user_id = u.id AND a.role = $2)) ORDER BY id FOR UPDATE",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(role)), NULL, err) &&
           store_lock(session, "identity.revocation", err) &&
           store_run(session,
               "WITH raised AS (UPDATE app_user u SET epoch = epoch + 1 WHERE u.tenant_id = $1 AND ($2 = ANY (u.roles) "
               "OR EXISTS (SELECT 1 FROM role_assignment a WHERE a.tenant_id = $1 AND a.user_id = u.id AND a.role = "
               "$2)) RETURNING u.id, u.epoch) "
               "INSERT INTO revocation (tenant_id, kind, subject, epoch, ends_at) "
               "SELECT $1, 'user', id::text, epoch, clock_timestamp() + $3::int8 * interval '1 millisecond' FROM "
               "raised",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(role), PARAM_INT(lives_ms)), NULL, err) &&
           ring(session, call, tenant_id, "user", role, err);
}
