#include "people.h"
#include "store/store_timer.h"
#include <stdio.h>

bool people_lock(struct store_session *session, int32_t tenant_id, struct err *err)
{
    char name[48];
    snprintf(name, sizeof name, "identity.people:%d", (int)tenant_id);
    return store_lock(session, name, err);
}

bool people_hold(struct store_session *session, const struct rpc_call *call, const char *user_id,
    struct user_account *out_account, struct err *err)
{
    bool was_found = false;
    if (!people_lock(session, call->caller->tenant_id, err) ||
        (identity_is_uuid(user_id) && !user_account_read(session, user_id, out_account, &was_found, err)))
        return false;
    if (!was_found || out_account->tenant_id != call->caller->tenant_id)
        return err_set(err, ERR_NOT_FOUND, "there is no such user");
    return grants_covered_by(&out_account->grants, call->caller->permissions) ||
           err_set(err, ERR_DENIED, "this user may do more than you: you cannot change it");
}

bool people_count_administrators(
    struct store_session *session, int32_t tenant_id, struct people_administrators *out_count, struct err *err)
{
    AUTO(store_result) row = NULL;
    if (!store_query(session, &row,
            "SELECT count(*), count(*) FILTER (WHERE u.roles @> ARRAY['national_admin']) FROM app_user u "
            "WHERE u.tenant_id = $1 AND u.state = 'active' AND (u.roles && ARRAY['national_admin', 'tenant_admin'] OR "
            "EXISTS (SELECT 1 FROM role r WHERE r.tenant_id = $1 AND r.name = ANY (u.roles) AND "
            "r.permissions && ARRAY['*:*', 'users:*', 'users:write']))",
            PARAMS(PARAM_INT(tenant_id)), err))
        return false;
    out_count->of_tenant = store_result_int(row, 0, 0);
    out_count->of_nation = store_result_int(row, 0, 1);
    return true;
}

bool people_administrators_remain(
    struct store_session *session, int32_t tenant_id, const struct people_administrators *before, struct err *err)
{
    struct people_administrators now;
    if (!people_count_administrators(session, tenant_id, &now, err))
        return false;
    if (before->of_tenant > 0 && now.of_tenant == 0)
        return err_set(err, ERR_CONFLICT, "this is the last administrator of the tenant: make another one first");
    if (tenant_id == NATIONAL_TENANT && before->of_nation > 0 && now.of_nation == 0)
        return err_set(err, ERR_CONFLICT, "this is the last national administrator: make another one first");
    return true;
}
