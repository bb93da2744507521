/* The tenant in counts and means, for who may not see single sensors of it: without households. */
#include "base/clock.h"
#include "history.h"
#include "ingest/sensor_list.h"
#include "store/store.h"
#include <string.h>

enum { MOST_SENSORS = 200000, MOST_DAYS = 400 };

struct kinds {
    struct arena *arena;
    int32_t *numbers;
    const char **kinds;
    const char **units;
    size_t count;
};

static bool take(void *context, const Nwims__V1__Sensor *sensor, struct err *err)
{
    struct kinds *kinds = context;
    kinds->numbers[kinds->count] = sensor->sensor_no;
    kinds->kinds[kinds->count] = arena_text(kinds->arena, sensor->kind ? sensor->kind : "other");
    kinds->units[kinds->count] = arena_text(kinds->arena, sensor->unit ? sensor->unit : "1");
    bool ok = kinds->kinds[kinds->count] && kinds->units[kinds->count];
    kinds->count++;
    return ok || err_set(err, ERR_LIMIT, "no memory left for this call");
}

static bool list_sensors(struct history *history, struct rpc_call *call, struct kinds *kinds, struct err *err)
{
    const struct sensor_filter of_no_household = { .without_households = true };
    *kinds = (struct kinds){ .arena = call->arena,
        .numbers = arena_alloc_array(call->arena, MOST_SENSORS, sizeof *kinds->numbers),
        .kinds = arena_alloc_array(call->arena, MOST_SENSORS, sizeof *kinds->kinds),
        .units = arena_alloc_array(call->arena, MOST_SENSORS, sizeof *kinds->units) };
    if (!kinds->numbers || !kinds->kinds || !kinds->units)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    return sensor_list_each(history->bus, call->caller, &of_no_household, MOST_SENSORS, take, kinds, err);
}

static bool fill(const struct store_result *rows, size_t row, struct rpc_call *call, Nwims__V1__KindDay *day)
{
    nwims__v1__kind_day__init(day);
    day->kind = store_result_copy(rows, row, 0, call->arena);
    day->unit = store_result_copy(rows, row, 1, call->arena);
    day->has_day_at = day->has_sensors = day->has_count = day->has_avg = true;
    day->day_at = store_result_time(rows, row, 2);
    day->sensors = store_result_int(rows, row, 3);
    day->count = store_result_int(rows, row, 4);
    day->avg = store_result_double(rows, row, 5);
    return day->kind && day->unit;
}

/* Meters may stand in households though nobody said so: ten of them are the least that may be told of together. */
static bool is_small(const Nwims__V1__KindDay *day)
{
    return day->sensors < (strcmp(day->kind, "volume") == 0 ? 10 : 3);
}

static bool read_days(struct store_session *session, struct rpc_call *call, const struct kinds *kinds, int64_t from_us,
    int64_t to_us, Nwims__V1__KindDaysReply *reply, struct err *err)
{
    static const char sql[] =
        "SELECT k.kind, k.unit, r.start_at, count(*), sum(r.count)::bigint, sum(r.sum) / sum(r.count), "
        "max(r.last_at) "
        "FROM unnest($2::int4[], $3::text[], $4::text[]) AS k (sensor_no, kind, unit) "
        "JOIN telemetry.rollup_day r USING (sensor_no) WHERE r.tenant_id = $1 AND r.start_at >= $5 AND r.start_at < $6 "
        "AND r.count > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, sql,
            PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_INT4S(kinds->numbers, kinds->count),
                PARAM_TEXTS(kinds->kinds, kinds->count), PARAM_TEXTS(kinds->units, kinds->count), PARAM_TIME(from_us),
                PARAM_TIME(to_us)),
            err))
        return false;
    size_t count = store_result_rows(rows);
    reply->items = arena_alloc_array(call->arena, count, sizeof *reply->items);
    Nwims__V1__KindDay *days = arena_alloc_array(call->arena, count, sizeof *days);
    if (!reply->items || !days)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    reply->has_left_out = reply->has_readings = true;
    reply->has_last_reading_at = count > 0;
    for (size_t i = 0; i < count; i++) {
        if (!fill(rows, i, call, &days[i]))
            return err_set(err, ERR_LIMIT, "no memory left for this call");
        int64_t last_us = store_result_time(rows, i, 6);
        reply->readings += days[i].count;
        reply->last_reading_at = last_us > reply->last_reading_at ? last_us : reply->last_reading_at;
        if (is_small(&days[i]))
            reply->left_out++;
        else
            reply->items[reply->n_items++] = &days[i];
    }
    return true;
}

bool kind_days_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__KindDaysRequest *request = input;
    int64_t to_us = history_time(request->has_to_at ? request->to_at : clock_now_us());
    int64_t from_us = history_time(request->has_from_at ? request->from_at : to_us - 7 * HISTORY_DAY_US);
    struct kinds kinds;
    AUTO(store_session) session = NULL;
    from_us = from_us / HISTORY_DAY_US * HISTORY_DAY_US; /* whole days: a part of one would be another group */
    to_us = (to_us + HISTORY_DAY_US - 1) / HISTORY_DAY_US * HISTORY_DAY_US;
    if (from_us >= to_us || (to_us - from_us) / HISTORY_DAY_US > MOST_DAYS)
        return rpc_violation(call, err, "from_at", "must be before to_at, by at most %d days", MOST_DAYS);
    return list_sensors(context, call, &kinds, err) && history_begin(context, call, &session, err) &&
           read_days(session, call, &kinds, from_us, to_us, output, err) && store_commit(session, err);
}
