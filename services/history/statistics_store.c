#include "statistics_store.h"

static void read_value(const struct store_result *result, size_t column, protobuf_c_boolean *out_has, double *out_value)
{
    *out_has = !store_result_is_null(result, 0, column);
    *out_value = store_result_double(result, 0, column);
}

bool statistics_store_read(struct store_session *session, struct rpc_call *call, const struct directory_sensor *sensor,
    int64_t from_us, int64_t to_us, Nwims__V1__Statistics *reply, struct err *err)
{
    /* The two highest bits of an OPC UA StatusCode are its severity; 0: Good. */
    static const char sql[] = "SELECT count(*), min(value), max(value), avg(value), stddev_samp(value), "
                              "percentile_cont(0.05) WITHIN GROUP (ORDER BY value), "
                              "percentile_cont(0.5) WITHIN GROUP (ORDER BY value), percentile_cont(0.95) WITHIN GROUP "
                              "(ORDER BY value), min(observed_at), max(observed_at), "
                              "count(*) FILTER (WHERE status & -1073741824 <> 0) FROM telemetry.reading WHERE "
                              "sensor_no = $1 AND tenant_id = $2 AND observed_at >= $3 AND observed_at < $4";
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, sql,
            PARAMS(PARAM_INT(sensor->sensor_no), PARAM_INT(call->caller->tenant_id), PARAM_TIME(from_us),
                PARAM_TIME(to_us)),
            err))
        return false;
    reply->has_count = reply->has_not_good = true;
    reply->count = store_result_int(result, 0, 0);
    read_value(result, 1, &reply->has_min, &reply->min);
    read_value(result, 2, &reply->has_max, &reply->max);
    read_value(result, 3, &reply->has_avg, &reply->avg);
    read_value(result, 4, &reply->has_stddev, &reply->stddev);
    read_value(result, 5, &reply->has_p05, &reply->p05);
    read_value(result, 6, &reply->has_p50, &reply->p50);
    read_value(result, 7, &reply->has_p95, &reply->p95);
    reply->has_first_at = reply->has_last_at = reply->count > 0;
    reply->first_at = store_result_time(result, 0, 8);
    reply->last_at = store_result_time(result, 0, 9);
    reply->not_good = store_result_int(result, 0, 10);
    return true;
}
