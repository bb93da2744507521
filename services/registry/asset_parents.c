#include "asset_parents.h"
#include "store/store_timer.h"
#include <stdio.h>

bool asset_parents_lock(struct work *work, const Nwims__V1__Asset *wanted, struct err *err)
{
    char name[40];
    snprintf(name, sizeof name, "registry.asset-parents.%d", (int)work->tenant_id);
    return !wanted->parent_id || !*wanted->parent_id || store_lock(work->session, name, err);
}

bool asset_parents_check(struct work *work, const Nwims__V1__Asset *wanted, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!wanted->parent_id || !*wanted->parent_id)
        return true;
    if (!store_query(work->session, &rows,
            "WITH RECURSIVE above AS (SELECT parent_id FROM asset WHERE tenant_id = $1 AND id = $2::uuid UNION SELECT "
            "a.parent_id FROM asset a JOIN above ON a.id = above.parent_id WHERE a.tenant_id = $1) SELECT 1 FROM above "
            "WHERE parent_id = $2::uuid",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id)), err))
        return false;
    return store_result_rows(rows) == 0 ||
           rpc_violation(work->call, err, "parent_id", "is a part of this asset itself: parts cannot form a ring");
}
