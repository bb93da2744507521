/* Locking people out and letting them in again. */
#include "identity.h"
#include "people.h"
#include "revocation_store.h"
#include "user_store.h"

static bool set_state(struct identity *identity, struct rpc_call *call, const char *id, bool is_active,
    Nwims__V1__User *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct people_administrators before;
    struct user_account account;
    int32_t tenant_id = call->caller->tenant_id;
    if (!identity_allows(call, "users:write", err) || !identity_write_own(identity, call, &session, err) ||
        !people_hold(session, call, id, &account, err))
        return false;
    const struct identity_change change = {
        .tenant_id = tenant_id, .entity = "user", .id = account.id, .change = is_active ? "enabled" : "disabled"
    };
    return people_count_administrators(session, tenant_id, &before, err) &&
           user_store_set_state(session, tenant_id, account.id, is_active ? "active" : "disabled", err) &&
           people_administrators_remain(session, tenant_id, &before, err) &&
           user_store_get(session, tenant_id, account.id, call->arena, reply, err) &&
           (is_active || revocation_of_user(
                             session, call, tenant_id, account.id, true, identity->config->access_token_ms, err)) &&
           identity_finish(identity, session, call, &change, err);
}

bool user_disable(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    return set_state(context, call, request->id, false, reply, err);
}

bool user_enable(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    return set_state(context, call, request->id, true, reply, err);
}
