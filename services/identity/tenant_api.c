/* Tenants and the hierarchy that they form: nation above region above utility. */
#include "account.h"
#include "base/number.h"
#include "identity.h"
#include "tenant_store.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool tenant_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ListTenantsRequest *request = input;
    AUTO(store_session) session = NULL;
    int64_t after_id = 0;
    if (!identity_allows(call, "tenants:read", err))
        return false;
    if (request->cursor && *request->cursor && !number_parse_int(request->cursor, strlen(request->cursor), &after_id))
        return rpc_violation(call, err, "cursor", "must be the next_cursor of the page before");
    return identity_begin(context, 0, &session, err) &&
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
    return identity_begin(context, 0, &session, err) &&
           tenant_store_get(session, request->id, call->arena, reply, err) && store_commit(session, err);
}

/* For services: the caller is not a person with permissions, but the gateway asks in somebody's name. */
bool tenant_list_descendants(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__TenantId *request = input;
    AUTO(store_session) session = NULL;
    return identity_begin(context, 0, &session, err) &&
           tenant_store_descendants(session, request->id, call->arena, reply, err) && store_commit(session, err);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */
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

static bool check_parent(
    struct store_session *session, struct rpc_call *call, int32_t parent_id, const char *level, struct err *err)
{
    const char *above, *below;
    if (parent_id < 1)
        return true;
    if (!tenant_store_levels(session, parent_id, call->arena, &above, &below, err))
        return err->kind == ERR_NOT_FOUND ? rpc_violation(call, err, "parent_id", "there is no such tenant") : false;
    return account_tenant_rank(above) < account_tenant_rank(level) ||
           rpc_violation(call, err, "parent_id", "must be of a higher level: nation above region above utility");
}

/* Levels fall strictly from parent to child: so there is no ring. The hierarchy is held. */
static bool check_place(struct store_session *session, struct rpc_call *call, const Nwims__V1__Tenant *wanted,
    const Nwims__V1__Tenant *before, struct err *err)
{
    const char *level = wanted->level ? wanted->level : before ? before->level : "utility";
    const char *own, *below = "";
    int32_t parent_id = wanted->has_parent_id ? wanted->parent_id : before ? before->parent_id : 0;
    if (account_tenant_rank(level) < 0)
        return rpc_violation(call, err, "level", "must be nation, region or utility");
    if (before && !tenant_store_levels(session, before->id, call->arena, &own, &below, err))
        return false;
    if (*below && account_tenant_rank(level) >= account_tenant_rank(below))
        return rpc_violation(call, err, "level", "must be above that of the tenants below it");
    return check_parent(session, call, parent_id, level, err);
}

static bool finish(struct identity *identity, struct store_session *session, struct rpc_call *call, int32_t tenant_id,
    const char *change, struct err *err)
{
    char id[16];
    const struct identity_change what = { .tenant_id = tenant_id, .entity = "tenant", .id = id, .change = change };
    snprintf(id, sizeof id, "%" PRId32, tenant_id);
    return identity_finish(identity, session, call, &what, err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */
bool tenant_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    Nwims__V1__Tenant wanted = *(const Nwims__V1__Tenant *)input;
    const Nwims__V1__Tenant *request = &wanted;
    Nwims__V1__Tenant *made = reply;
    AUTO(store_session) session = NULL;
    /* Who says nothing else is below the national authority, which is to see everybody's aggregates. */
    if (!wanted.has_parent_id && account_tenant_rank(wanted.level ? wanted.level : "utility") > 0) {
        wanted.has_parent_id = true;
        wanted.parent_id = NATIONAL_TENANT;
    }
    if (!identity_allows(call, "tenants:write", err))
        return false;
    check_name(call, request->name ? request->name : "", err);
    if (!account_tenant_code_is_good(request->code))
        rpc_violation(call, err, "code", "must have 2 to 40 letters, digits, - or _");
    if (err->kind != ERR_NONE)
        return false;
    return identity_write(context, call, 0, &session, err) && tenant_store_lock(session, err) &&
           check_zone(session, call, request->time_zone, err) && check_place(session, call, request, NULL, err) &&
           tenant_store_create(session, request, call->arena, made, err) &&
           finish(context, session, call, made->id, "created", err);
}

bool tenant_update(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    Nwims__V1__Tenant wanted = *(const Nwims__V1__Tenant *)input;
    const Nwims__V1__Tenant *request = &wanted;
    AUTO(store_session) session = NULL;
    Nwims__V1__Tenant before = NWIMS__V1__TENANT__INIT;
    if (!identity_allows(call, "tenants:write", err))
        return false;
    if (identity_clears(call, request->clear, request->n_clear, "parent_id", err)) {
        wanted.has_parent_id = true;
        wanted.parent_id = 0;
    }
    if (request->name)
        check_name(call, request->name, err);
    if (err->kind != ERR_NONE || !identity_write(context, call, 0, &session, err) || !tenant_store_lock(session, err) ||
        !tenant_store_get(session, request->id, call->arena, &before, err))
        return false;
    /* The code is in addresses and files of others: it stays. Sending the same one back is fine. */
    if (request->code && strcmp(request->code, before.code) != 0)
        return rpc_violation(call, err, "code", "cannot be changed");
    return check_zone(session, call, request->time_zone, err) && check_place(session, call, request, &before, err) &&
           tenant_store_update(session, request, call->arena, reply, err) &&
           finish(context, session, call, request->id, "updated", err);
}

bool tenant_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__TenantId *request = input;
    AUTO(store_session) session = NULL;
    Nwims__V1__Tenant before = NWIMS__V1__TENANT__INIT;
    (void)reply;
    return identity_allows(call, "tenants:delete", err) && identity_write(context, call, 0, &session, err) &&
           tenant_store_lock(session, err) && tenant_store_get(session, request->id, call->arena, &before, err) &&
           tenant_store_delete(session, request->id, err) &&
           finish(context, session, call, request->id, "deleted", err);
}

bool tenant_set_quota(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__SetQuotaRequest *request = input;
    AUTO(store_session) session = NULL;
    return identity_allows(call, "tenants:write", err) && identity_write(context, call, 0, &session, err) &&
           tenant_store_set_quota(session, request, call->arena, reply, err) &&
           finish(context, session, call, request->id, "quota-changed", err);
}

bool tenant_get_usage(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__TenantId *request = input;
    Nwims__V1__Tenant tenant = NWIMS__V1__TENANT__INIT;
    AUTO(store_session) session = NULL;
    return identity_allows(call, "tenants:read", err) && identity_begin(context, 0, &session, err) &&
           tenant_store_get(session, request->id, call->arena, &tenant, err) &&
           tenant_store_usage(session, request->id, reply, err) && store_commit(session, err);
}
