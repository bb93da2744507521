/* A pipe network goes: with its assets if these are to go too, else only when it has none. */
#include "entity_api.h"
#include "nwims/v1/assets.pb-c.h"

static bool count_assets(struct work *work, int64_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows, "SELECT count(*) FROM asset WHERE tenant_id = $1 AND network_id = $2::uuid",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id)), err))
        return false;
    *out_count = store_result_int(rows, 0, 0);
    return true;
}

/* Links, nodes, then the assets that they were: in the order in which they refer to each other. */
static bool remove_all(struct work *work, struct err *err)
{
    static const char *const statements[] = {
        "DELETE FROM network_link WHERE tenant_id = $1 AND network_id = $2::uuid",
        "DELETE FROM network_node WHERE tenant_id = $1 AND network_id = $2::uuid",
        "DELETE FROM asset WHERE tenant_id = $1 AND network_id = $2::uuid",
    };
    for (size_t i = 0; i < COUNT_OF(statements); i++)
        if (!store_run(
                work->session, statements[i], PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id)), NULL, err))
            return err->kind == ERR_CONFLICT
                       ? err_set(err, ERR_CONFLICT,
                             "something else belongs to an asset of the network %s: it is a part of one, for example",
                             work->key.code)
                       : false;
    return true;
}

static bool announce(struct work *work, int64_t assets, struct err *err)
{
    char *detail = arena_printf(work->call->arena, "{\"assets\":%lld}", (long long)assets);
    const struct change change = {
        .noun = "network", .change = "deleted", .id = work->key.id, .code = work->key.code, .detail = detail
    };
    return detail ? work_announce(work, &change, err) : err_set(err, ERR_LIMIT, "no memory left for the audit");
}

bool network_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__DeleteNetworkRequest *request = input;
    AUTO_INPLACE(work) work = { 0 };
    int64_t assets = 0;
    (void)reply;
    if (!entity_begin_change(&work, context, call, &network_entity, "delete", request->id, err) ||
        !work_needs_whole_tenant(&work, err) || !count_assets(&work, &assets, err))
        return false;
    if (assets > 0 && !request->with_assets)
        return err_set(err, ERR_CONFLICT,
            "the network %s has %lld assets: say with_assets=true if they are to go with it", work.key.code,
            (long long)assets);
    return remove_all(&work, err) && entity_store_delete(&work, &network_entity, err) && announce(&work, assets, err) &&
           work_commit(&work, err);
}
