#include "series_store.h"

bool series_store_reading(const struct store_result *result, size_t row, size_t first,
    const struct directory_sensor *sensor, struct rpc_call *call, Nwims__V1__Reading **out_reading, struct err *err)
{
    Nwims__V1__Reading *reading = arena_alloc(call->arena, sizeof *reading);
    if (!reading)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    nwims__v1__reading__init(reading);
    reading->sensor_id = arena_text(call->arena, sensor->code);
    reading->unit = arena_text(call->arena, unit_code(sensor->unit));
    reading->has_observed_at = reading->has_value = reading->has_received_at = true;
    reading->observed_at = store_result_time(result, row, first);
    reading->value = store_result_double(result, row, first + 1);
    reading->received_at = store_result_time(result, row, first + 2);
    reading->has_status = !store_result_is_null(result, row, first + 3);
    reading->status = (uint32_t)store_result_int(result, row, first + 3);
    reading->has_flags = !store_result_is_null(result, row, first + 4);
    reading->flags = (uint32_t)store_result_int(result, row, first + 4);
    *out_reading = reading;
    return (reading->sensor_id && reading->unit) ||
           err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
}

bool series_store_read(struct store_session *session, struct rpc_call *call, const struct directory_sensor *sensor,
    const struct series_range *range, Nwims__V1__SeriesReply *reply, struct err *err)
{
    static const char ascending[] = "SELECT observed_at, value, received_at, status, flags FROM telemetry.reading "
                                    "WHERE sensor_no = $1 AND tenant_id = $2 AND observed_at >= $3 AND observed_at < "
                                    "$4 ORDER BY observed_at LIMIT $5::bigint";
    static const char descending[] = "SELECT observed_at, value, received_at, status, flags FROM telemetry.reading "
                                     "WHERE sensor_no = $1 AND tenant_id = $2 AND observed_at >= $3 AND observed_at < "
                                     "$4 ORDER BY observed_at DESC LIMIT $5::bigint";
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, range->is_descending ? descending : ascending,
            PARAMS(PARAM_INT(sensor->sensor_no), PARAM_INT(call->caller->tenant_id), PARAM_TIME(range->from_us),
                PARAM_TIME(range->to_us), PARAM_INT(range->limit)),
            err))
        return false;
    size_t rows = store_result_rows(result);
    reply->items = arena_alloc_array(call->arena, rows, sizeof *reply->items);
    if (!reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    for (; reply->n_items < rows; reply->n_items++)
        if (!series_store_reading(result, reply->n_items, 0, sensor, call, &reply->items[reply->n_items], err))
            return false;
    return true;
}

bool series_store_latest(struct store_session *session, struct rpc_call *call, const struct directory_sensor *sensors,
    size_t count, Nwims__V1__LatestReply *reply, struct err *err)
{
    /* Newest partition first, one index probe each, until one has a reading: see docs/adr/0003. */
    static const char sql[] =
        "SELECT s.place, r.observed_at, r.value, r.received_at, r.status, r.flags FROM unnest($1::int4[]) WITH "
        "ORDINALITY AS s (sensor_no, place) "
        "CROSS JOIN LATERAL (SELECT observed_at, value, received_at, status, flags FROM telemetry.reading r "
        "WHERE r.sensor_no = s.sensor_no AND r.tenant_id = $2 ORDER BY r.observed_at DESC LIMIT 1) r ORDER BY s.place";
    AUTO(store_result) result = NULL;
    int32_t *numbers = arena_alloc_array(call->arena, count, sizeof *numbers);
    if (!numbers)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    for (size_t i = 0; i < count; i++)
        numbers[i] = sensors[i].sensor_no;
    if (!store_query(
            session, &result, sql, PARAMS(PARAM_INT4S(numbers, count), PARAM_INT(call->caller->tenant_id)), err))
        return false;
    size_t rows = store_result_rows(result);
    reply->items = arena_alloc_array(call->arena, rows, sizeof *reply->items);
    if (!reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    for (; reply->n_items < rows; reply->n_items++) {
        size_t place = (size_t)store_result_int(result, reply->n_items, 0) - 1;
        if (!series_store_reading(result, reply->n_items, 1, &sensors[place], call, &reply->items[reply->n_items], err))
            return false;
    }
    return true;
}
