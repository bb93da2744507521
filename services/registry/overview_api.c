#include "overview_store.h"

bool overview_count(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__NetworkCountsRequest *request = input;
    AUTO_INPLACE(work) work = { 0 };
    return work_begin(&work, context, call, "overview", "read", err) &&
           overview_store_count(&work, request->without_households, reply, err);
}

bool overview_map(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    (void)request;
    return work_begin(&work, context, call, "overview", "read", err) && overview_store_map(&work, reply, err);
}
