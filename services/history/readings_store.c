#include "readings_store.h"

/* For each sensor no more than a page from its own index, then the page of all of them. The page before ended at ($6,
 * $7); $7 is 0 on the first. Readings of that very time are seen again where their sensor comes later. */
#define READ(direction, time_bound)                                                                                    \
    "SELECT s.sensor_no, r.observed_at, r.value, r.received_at, r.status, r.flags FROM unnest($1::int4[]) AS s "       \
    "(sensor_no) CROSS JOIN LATERAL (SELECT observed_at, value, received_at, status, flags FROM telemetry.reading r "  \
    "WHERE r.sensor_no = s.sensor_no AND r.tenant_id = $2 AND r.observed_at >= $3 AND r.observed_at < $4 "             \
    "AND ($7::int4 = 0 OR " time_bound " OR (r.observed_at = $6 AND s.sensor_no > $7::int4)) "                         \
    "ORDER BY r.observed_at " direction " LIMIT $5::bigint) r "                                                        \
    "ORDER BY r.observed_at " direction ", s.sensor_no LIMIT $5::bigint"

static const char ascending[] = READ("ASC", "r.observed_at > $6");
static const char descending[] = READ("DESC", "r.observed_at < $6");

bool readings_store_read(struct store_session *session, struct rpc_call *call, const struct chosen *chosen,
    const struct readings_range *range, Nwims__V1__SeriesReply *reply, int32_t *out_last_sensor, struct err *err)
{
    AUTO(store_result) result = NULL;
    int32_t *numbers = arena_alloc_array(call->arena, chosen->count, sizeof *numbers);
    if (!numbers)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    for (size_t i = 0; i < chosen->count; i++)
        numbers[i] = chosen->sensors[i].sensor_no;
    if (!store_query(session, &result, range->time.is_descending ? descending : ascending,
            PARAMS(PARAM_INT4S(numbers, chosen->count), PARAM_INT(call->caller->tenant_id),
                PARAM_TIME(range->time.from_us), PARAM_TIME(range->time.to_us), PARAM_INT(range->time.limit),
                PARAM_TIME(range->after_us), PARAM_INT(range->after_sensor)),
            err))
        return false;
    size_t rows = store_result_rows(result);
    reply->items = arena_alloc_array(call->arena, rows, sizeof *reply->items);
    if (!reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    for (; reply->n_items < rows; reply->n_items++) {
        *out_last_sensor = (int32_t)store_result_int(result, reply->n_items, 0);
        const struct directory_sensor *sensor = chosen_find(chosen, *out_last_sensor);
        if (!sensor)
            return err_set(err, ERR_BUG, "a reading of sensor %d, which was not asked for", *out_last_sensor);
        if (!series_store_reading(result, reply->n_items, 1, sensor, call, &reply->items[reply->n_items], err))
            return false;
    }
    return true;
}
