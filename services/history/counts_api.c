#include "base/clock.h"
#include "history.h"
#include "store/store.h"

bool reading_counts_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    static const char sql[] =
        "SELECT coalesce(sum(stored) FILTER (WHERE day = today), 0)::bigint, "
        "coalesce(sum(duplicate) FILTER (WHERE day = today), 0)::bigint, "
        "coalesce(sum(stored) FILTER (WHERE day < today), 0)::bigint, "
        "coalesce(sum(duplicate) FILTER (WHERE day < today), 0)::bigint, "
        "(SELECT max(last_at) FROM telemetry.protocol_day WHERE tenant_id = $1 AND day >= today - 400) "
        "FROM (SELECT ($2::timestamptz AT TIME ZONE 'UTC')::date AS today) t LEFT JOIN telemetry.protocol_day "
        "ON tenant_id = $1 AND day BETWEEN today - 7 AND today GROUP BY today";
    Nwims__V1__ReadingCounts *reply = output;
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    (void)input;
    if (!history_begin(context, call, &session, err) ||
        !store_query(
            session, &result, sql, PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TIME(clock_now_us())), err) ||
        !store_commit(session, err))
        return false;
    reply->has_stored_today = reply->has_duplicate_today = reply->has_stored_week = reply->has_duplicate_week = true;
    reply->stored_today = store_result_int(result, 0, 0);
    reply->duplicate_today = store_result_int(result, 0, 1);
    reply->stored_week = store_result_int(result, 0, 2);
    reply->duplicate_week = store_result_int(result, 0, 3);
    reply->has_last_stored_at = !store_result_is_null(result, 0, 4);
    reply->last_stored_at = store_result_time(result, 0, 4);
    return true;
}
