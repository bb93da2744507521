#include "overview_store.h"

/* Counts are of the whole tenant: who may see a part of it gets none. */
static bool begin(struct work *work, struct registry *registry, struct rpc_call *call, struct err *err)
{
    if (call->caller->scope[0])
        return err_set(err, ERR_DENIED, "an overview is of the whole tenant, of which you may see a part");
    return work_begin(work, registry, call, "overview", "read", err);
}

bool overview_count(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    (void)request;
    return begin(&work, context, call, err) && overview_store_count(&work, reply, err);
}

bool overview_map(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    (void)request;
    return begin(&work, context, call, err) && overview_store_map(&work, reply, err);
}
