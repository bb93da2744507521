#include "account.h"
#include "base/number.h"
#include "identity.h"
#include "tenant_store.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool begin(struct identity *identity, struct store_session **out_session, struct err *err)
{
    return store_session_open(out_session, identity->store, err) && store_begin(*out_session, 0, err);
}

bool tenant_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ListTenantsRequest *request = input;
    AUTO(store_session) session = NULL;
    int64_t after_id = 0;
    if (!identity_allows(call, "tenants:read", err))
        return false;
    if (request->cursor && *request->cursor && !number_parse_int(request->cursor, strlen(request->cursor), &after_id))
        return rpc_violation(call, err, "cursor", "must be the next_cursor of the page before");
    return begin(context, &session, err) &&
           tenant_store_list(
               session, after_id, identity_page_limit(request->has_limit, request->limit), call->arena, reply, err) &&
           store_commit(session, err);
}

bool tenant_get(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__TenantId *request = input;
    AUTO(store_session) session = NULL;
    if (!identity_allows(call, "tenants:read", err))
        return false;
    return begin(context, &session, err) && tenant_store_get(session, request->id, call->arena, reply, err) &&
           store_commit(session, err);
}

static void check_name(struct rpc_call *call, const char *name, struct err *err)
{
    if (!*name || strnlen(name, LONGEST_NAME + 1) > LONGEST_NAME)
        rpc_violation(call, err, "name", "must have 1 to 200 bytes");
}

/* PostgreSQL's list counts: days and nights are reckoned there. */
static bool check_zone(struct store_session *session, struct rpc_call *call, const char *time_zone, struct err *err)
{
    bool is_known;
    if (!time_zone)
        return true;
    if (!tenant_store_knows_zone(session, time_zone, &is_known, err))
        return false;
    return is_known || rpc_violation(call, err, "time_zone", "must be an IANA time zone, for instance Europe/Rome");
}

static bool finish(struct identity *identity, struct store_session *session, struct rpc_call *call,
    const Nwims__V1__Tenant *tenant, const char *change, struct err *err)
{
    char id[16];
    snprintf(id, sizeof id, "%" PRId32, tenant->id);
    if (!identity_announce(session, call, tenant->id, "tenant", id, change, err) || !store_commit(session, err))
        return false;
    service_outbox_wake(identity->service);
    return true;
}

bool tenant_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__Tenant *request = input;
    AUTO(store_session) session = NULL;
    if (!identity_allows(call, "tenants:write", err))
        return false;
    check_name(call, request->name ? request->name : "", err);
    if (!account_tenant_code_is_good(request->code))
        rpc_violation(call, err, "code", "must have 2 to 40 letters, digits, - or _");
    if (err->kind != ERR_NONE)
        return false;
    return begin(context, &session, err) && check_zone(session, call, request->time_zone, err) &&
           tenant_store_create(session, request, call->arena, reply, err) &&
           finish(context, session, call, reply, "created", err);
}

bool tenant_update(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__Tenant *request = input;
    AUTO(store_session) session = NULL;
    if (!identity_allows(call, "tenants:write", err))
        return false;
    if (request->name)
        check_name(call, request->name, err);
    if (err->kind != ERR_NONE || !begin(context, &session, err) ||
        !check_zone(session, call, request->time_zone, err) ||
        !tenant_store_update(session, request, call->arena, reply, err))
        return false;
    /* The code is in addresses and files of others: it stays. Sending the same one back is fine. */
    const Nwims__V1__Tenant *tenant = reply;
    if (request->code && strcmp(request->code, tenant->code) != 0)
        return rpc_violation(call, err, "code", "cannot be changed");
    return finish(context, session, call, tenant, "updated", err);
}
