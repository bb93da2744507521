/* The bulk operations' methods, and those of their jobs. */
#include "auth/auth.h"
#include "bulk.h"
#include "nwims/v1/bulk.pb-c.h"
#include "nwims/v1/common.pb-c.h"
#include "service/audit.h"

const struct rpc_method bulk_methods[] = {
    { "UpdateSensors", sensors_update },
    { "PutPart", bulk_part_put },
    { "ImportRows", rows_import },
    { "ReplayRejections", rejections_replay },
    { "GetJob", job_show },
    { "ListJobs", job_show_list },
    { "ListJobFailures", job_show_failures },
    { "CancelJob", job_stop },
    { "TakeTokens", import_tokens_take },
    { 0 },
};

const struct job_kind registry_jobs[] = {
    { "sensors.update", sensors_update_job },
    { "devices.import", import_rows_job },
    { "sensors.import", import_rows_job },
    { "assets.import", import_rows_job },
    { "rejections.replay", rejections_replay_job },
    { 0 },
};

/* Whoever asked for a job sees it; others only with batch:read. */
static bool begin(struct store_session **out_session, const struct registry *registry, const struct rpc_call *call,
    struct job_reader *out_reader, struct err *err)
{
    const struct rpc_caller *caller = call->caller;
    if (caller->tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    *out_reader = (struct job_reader){ .tenant_id = caller->tenant_id,
        .owner = "registry",
        .actor = permission_granted(caller->permissions, "batch:read") && !*caller->scope ? NULL : caller->actor };
    return store_session_open(out_session, registry->store, err) && store_begin(*out_session, caller->tenant_id, err);
}

bool job_show(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO(store_session) session = NULL;
    struct job_reader reader;
    return begin(&session, context, call, &reader, err) &&
           job_get(session, &reader, request->id, call->arena, reply, err);
}

bool job_show_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct job_reader reader;
    return begin(&session, context, call, &reader, err) && job_list(session, &reader, input, call->arena, reply, err);
}

bool job_show_failures(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct job_reader reader;
    return begin(&session, context, call, &reader, err) &&
           job_list_failures(session, &reader, input, call->arena, reply, err);
}

bool job_stop(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO(store_session) session = NULL;
    struct job_reader reader;
    const struct audit_event event = { .action = "batch.cancelled", .entity = "batch", .entity_id = request->id };
    return begin(&session, context, call, &reader, err) && job_cancel(session, &reader, request->id, err) &&
           job_get(session, &reader, request->id, call->arena, reply, err) &&
           audit_put(session, call->caller, &event, err) && store_commit(session, err);
}
