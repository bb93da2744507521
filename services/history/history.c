#include "history.h"
#include "auth/auth.h"
#include <string.h>

const struct rpc_method history_methods[] = {
    { "GetSeries", series_get },
    { "GetLatest", latest_get },
    { "GetLatestOfMany", latest_get_many },
    { "GetAggregate", aggregate_get },
    { "ListReadings", readings_list },
    { "GetKindDays", kind_days_get },
    { "GetReadingCounts", reading_counts_get },
    { "GetStatistics", statistics_get },
    { "GetIngestStatistics", ingest_statistics_get },
    { "GetBatch", batch_get },
    { 0 },
};

int64_t history_time(int64_t us)
{
    const int64_t end_of_9999 = INT64_C(253402300799999999);
    return us < 0 ? 0 : us > end_of_9999 ? end_of_9999 : us;
}

bool history_begin(
    struct history *history, const struct rpc_call *call, struct store_session **out_session, struct err *err)
{
    if (call->caller->tenant_id <= 0)
        return err_set(err, ERR_DENIED, "the caller has no tenant");
    if (!permission_granted(call->caller->permissions, "readings:read"))
        return err_set(err, ERR_DENIED, "this needs the permission readings:read");
    return store_session_open(out_session, history->store, err) &&
           store_begin(*out_session, call->caller->tenant_id, err);
}

bool history_sensor(struct history *history, struct rpc_call *call, const char *name,
    struct directory_sensor *out_sensor, struct err *err)
{
    const struct directory_name wanted = { .text = name ? name : "", .length = name ? strlen(name) : 0 };
    if (!directory_sensors(history->directory, call->caller, &wanted, 1, out_sensor, call->arena, err))
        return false;
    return out_sensor->sensor_no > 0 || err_set(err, ERR_NOT_FOUND, "there is no sensor %.64s", wanted.text);
}
