#include "aggregate_store.h"

/* Up to this much is read from the readings themselves: always fresh, and fast enough. */
#define RAW_AT_MOST_US (8 * HISTORY_DAY_US)

static const char from_readings[] = "SELECT date_bin($5::text::interval, observed_at, timestamptz 'epoch') AS "
                                    "start_at, count(*), min(value), max(value), sum(value), "
                                    "(array_agg(value ORDER BY observed_at DESC))[1] "
                                    "FROM telemetry.reading WHERE sensor_no = $1 AND tenant_id = $2 AND observed_at >= "
                                    "$3 AND observed_at < $4 GROUP BY 1 ORDER BY 1";

/* $5, $6: the first and last hour of the range, since 1970. Windows with an hour that is due are made from the
 * readings, the others stand in the rollup. */
#define FROM_ROLLUP(table, width, due_window)                                                                          \
    "WITH due AS MATERIALIZED (SELECT DISTINCT " due_window                                                            \
    " AS start_at FROM telemetry.due_hours($1::int4, $5::int4, $6::int4) AS h (hour)) "                                \
    "SELECT start_at, count::bigint, min, max, sum, last FROM telemetry." table " r "                                  \
    "WHERE sensor_no = $1::int4 AND tenant_id = $2 AND start_at >= $3 AND start_at < $4 AND NOT EXISTS (SELECT FROM "  \
    "due d WHERE d.start_at = r.start_at) "                                                                            \
    "UNION ALL "                                                                                                       \
    "SELECT d.start_at, w.* FROM due d CROSS JOIN LATERAL (SELECT count(*), min(value), max(value), sum(value), "      \
    "(array_agg(value ORDER BY observed_at DESC))[1] "                                                                 \
    "FROM telemetry.reading WHERE sensor_no = $1::int4 AND tenant_id = $2 AND observed_at >= d.start_at AND "          \
    "observed_at < d.start_at + interval '" width "') w "                                                              \
    "WHERE w.count > 0 ORDER BY 1"

static const char hours_from_rollup[] =
    FROM_ROLLUP("rollup_hour", "1 hour", "timestamptz 'epoch' + h.hour * interval '1 hour'");
static const char days_from_rollup[] =
    FROM_ROLLUP("rollup_day", "1 day", "timestamptz 'epoch' + (h.hour / 24) * interval '24 hours'");

static bool query(struct store_session *session, struct rpc_call *call, const struct directory_sensor *sensor,
    const struct aggregate_range *range, struct store_result **out_result, struct err *err)
{
    bool is_short = range->to_us - range->from_us <= RAW_AT_MOST_US;
    if (is_short || range->width_us < HISTORY_HOUR_US) {
        const char *width = range->width_us == HISTORY_DAY_US    ? "1 day"
                            : range->width_us == HISTORY_HOUR_US ? "1 hour"
                                                                 : "1 minute";
        return store_query(session, out_result, from_readings,
            PARAMS(PARAM_INT(sensor->sensor_no), PARAM_INT(call->caller->tenant_id), PARAM_TIME(range->from_us),
                PARAM_TIME(range->to_us), PARAM_TEXT(width)),
            err);
    }
    return store_query(session, out_result, range->width_us == HISTORY_DAY_US ? days_from_rollup : hours_from_rollup,
        PARAMS(PARAM_INT(sensor->sensor_no), PARAM_INT(call->caller->tenant_id), PARAM_TIME(range->from_us),
            PARAM_TIME(range->to_us), PARAM_INT(range->from_us / HISTORY_HOUR_US),
            PARAM_INT(range->to_us / HISTORY_HOUR_US - 1)),
        err);
}

bool aggregate_store_read(struct store_session *session, struct rpc_call *call, const struct directory_sensor *sensor,
    const struct aggregate_range *range, Nwims__V1__AggregateReply *reply, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!query(session, call, sensor, range, &result, err))
        return false;
    size_t rows = store_result_rows(result);
    reply->items = arena_alloc_array(call->arena, rows, sizeof *reply->items);
    Nwims__V1__Window *windows = arena_alloc_array(call->arena, rows, sizeof *windows);
    if (!reply->items || !windows)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    for (size_t row = 0; row < rows; row++) {
        Nwims__V1__Window *window = &windows[row];
        nwims__v1__window__init(window);
        window->has_start_at = window->has_count = window->has_min = window->has_max = window->has_avg =
            window->has_sum = window->has_last = true;
        window->start_at = store_result_time(result, row, 0);
        window->count = store_result_int(result, row, 1);
        window->min = store_result_double(result, row, 2);
        window->max = store_result_double(result, row, 3);
        window->sum = store_result_double(result, row, 4);
        window->avg = window->sum / (double)window->count;
        window->last = store_result_double(result, row, 5);
        reply->items[reply->n_items++] = window;
    }
    return true;
}
