#include "auditor.h"

const struct rpc_method auditor_methods[] = {
    { "ListRecords", records_list },
    { "GetRecord", record_get },
    { "VerifyChain", chain_verify },
    { "ListHeads", heads_list },
    { "ListAuditKeys", keys_list },
    { 0 },
};

bool auditor_begin(struct auditor *auditor, const struct rpc_call *call, bool is_unattributed,
    struct store_session **out_session, int32_t *out_tenant, struct err *err)
{
    const struct rpc_caller *caller = call->caller;
    /* The gateway has asked too, but the owner of the data does not take its word. */
    if (!permission_granted(caller->permissions, "audit:read"))
        return err_set(err, ERR_DENIED, "this needs the permission audit:read");
    if (is_unattributed && !permission_granted(caller->permissions, "tenants:any"))
        return err_set(err, ERR_DENIED, "records of nobody are for who may see all tenants");
    if (caller->tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    /* Who may see a part of the tenant only does not see who did what in the rest. */
    if (*caller->scope)
        return err_set(err, ERR_DENIED, "the audit is for the whole tenant, and this permission is for a part of it");
    *out_tenant = is_unattributed ? 0 : caller->tenant_id;
    return store_session_open(out_session, auditor->store, err) && store_begin(*out_session, *out_tenant, err);
}
