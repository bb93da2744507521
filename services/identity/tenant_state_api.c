/* Suspending a tenant and letting it in again. */
#include "identity.h"
#include "revocation_store.h"
#include "tenant_store.h"
#include <inttypes.h>
#include <stdio.h>

/* Every access token of the tenant signed so far is dead, also after it is let in again. */
static bool revoke(struct identity *identity, struct store_session *session, const struct rpc_call *call, int32_t id,
    const char *text, int32_t epoch, struct err *err)
{
    const struct revocation revocation = { .tenant_id = id,
        .kind = "tenant",
        .subject = text,
        .epoch = epoch,
        .lives_ms = identity->config->access_token_ms };
    return revocation_put(session, call, &revocation, err);
}

static bool set_state(struct identity *identity, struct rpc_call *call, int32_t id, bool is_active,
    Nwims__V1__Tenant *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    int32_t epoch;
    char text[16];
    const struct identity_change change = {
        .tenant_id = id, .entity = "tenant", .id = text, .change = is_active ? "resumed" : "suspended"
    };
    snprintf(text, sizeof text, "%" PRId32, id);
    if (!identity_allows(call, "tenants:write", err))
        return false;
    if (id == NATIONAL_TENANT)
        return err_set(err, ERR_CONFLICT, "the national authority cannot be suspended");
    return identity_write(identity, call, id, &session, err) &&
           tenant_store_set_state(session, id, is_active, &epoch, err) &&
           tenant_store_get(session, id, call->arena, reply, err) &&
           (is_active || revoke(identity, session, call, id, text, epoch, err)) &&
           identity_finish(identity, session, call, &change, err);
}

bool tenant_suspend(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__TenantId *request = input;
    return set_state(context, call, request->id, false, reply, err);
}

bool tenant_resume(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__TenantId *request = input;
    return set_state(context, call, request->id, true, reply, err);
}
