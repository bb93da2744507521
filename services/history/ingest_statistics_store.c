#include "ingest_statistics_store.h"

bool ingest_statistics_store_days(struct store_session *session, struct rpc_call *call, int64_t from_us, int64_t to_us,
    Nwims__V1__IngestStatistics *reply, struct err *err)
{
    static const char sql[] = "SELECT day::timestamp AT TIME ZONE 'UTC', sum(stored)::bigint, sum(duplicate)::bigint "
                              "FROM telemetry.protocol_day "
                              "WHERE tenant_id = $1 AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date AND day <= "
                              "($3::timestamptz AT TIME ZONE 'UTC')::date "
                              "GROUP BY day ORDER BY day";
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, sql,
            PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TIME(from_us), PARAM_TIME(to_us)), err))
        return false;
    size_t rows = store_result_rows(result);
    reply->days = arena_alloc_array(call->arena, rows, sizeof *reply->days);
    Nwims__V1__IngestDay *days = arena_alloc_array(call->arena, rows, sizeof *days);
    if (!reply->days || !days)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    reply->has_stored = reply->has_duplicate = true;
    for (size_t row = 0; row < rows; row++) {
        nwims__v1__ingest_day__init(&days[row]);
        days[row].has_day_at = days[row].has_stored = days[row].has_duplicate = true;
        days[row].day_at = store_result_time(result, row, 0);
        days[row].stored = store_result_int(result, row, 1);
        days[row].duplicate = store_result_int(result, row, 2);
        reply->stored += days[row].stored;
        reply->duplicate += days[row].duplicate;
        reply->days[reply->n_days++] = &days[row];
    }
    return true;
}

bool ingest_statistics_store_protocols(struct store_session *session, struct rpc_call *call, int64_t from_us,
    int64_t to_us, int64_t now_us, size_t more_protocols, Nwims__V1__IngestStatistics *reply, struct err *err)
{
    static const char sql[] =
        "SELECT protocol, d.stored, d.duplicate, d.last_at, m.one, m.five, m.sixty FROM (SELECT protocol, "
        "sum(stored)::bigint AS stored, sum(duplicate)::bigint AS duplicate, max(last_at) AS last_at FROM "
        "telemetry.protocol_day WHERE tenant_id = $1 AND day BETWEEN ($2::timestamptz AT TIME ZONE "
        "'UTC')::date AND "
        "($3::timestamptz AT TIME ZONE 'UTC')::date GROUP BY protocol) d FULL JOIN (SELECT protocol, sum(stored + "
        "duplicate) FILTER (WHERE minute >= $4::int4 - 1)::bigint AS one, sum(stored + duplicate) FILTER (WHERE minute "
        ">= $4::int4 - 5)::bigint AS five, sum(stored + duplicate)::bigint AS sixty FROM telemetry.protocol_minute "
        "WHERE tenant_id = $1 AND minute >= $4::int4 - 60 AND minute < $4::int4 GROUP BY protocol) m USING (protocol) "
        "ORDER BY protocol";
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, sql,
            PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TIME(from_us), PARAM_TIME(to_us),
                PARAM_INT(now_us / (60 * INT64_C(1000000)))),
            err))
        return false;
    size_t rows = store_result_rows(result);
    reply->protocols = arena_alloc_array(call->arena, rows + more_protocols, sizeof *reply->protocols);
    Nwims__V1__IngestProtocol *found = arena_alloc_array(call->arena, rows, sizeof *found);
    if (!reply->protocols || !found)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (size_t row = 0; row < rows; row++) {
        Nwims__V1__IngestProtocol *protocol = reply->protocols[reply->n_protocols++] = &found[row];
        nwims__v1__ingest_protocol__init(protocol);
        if (!(protocol->protocol = store_result_copy(result, row, 0, call->arena)))
            return err_set(err, ERR_LIMIT, "no memory left for this call");
        protocol->has_stored = protocol->has_duplicate = protocol->has_refused = true;
        protocol->has_rate_1m = protocol->has_rate_5m = protocol->has_rate_60m = true;
        protocol->stored = store_result_int(result, row, 1);
        protocol->duplicate = store_result_int(result, row, 2);
        protocol->has_last_seen_at = !store_result_is_null(result, row, 3);
        protocol->last_seen_at = store_result_time(result, row, 3);
        protocol->rate_1m = (double)store_result_int(result, row, 4) / 60;
        protocol->rate_5m = (double)store_result_int(result, row, 5) / 300;
        protocol->rate_60m = (double)store_result_int(result, row, 6) / 3600;
    }
    return true;
}
