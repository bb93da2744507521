/* When a sensor's values are worth an alarm (ISA-18.2): the limits and how they are debounced. */
#include "entity_api.h"
#include "sensor_unit.h"

#define COLUMNS "id, low_low, low, high, high_high, hysteresis, on_delay_s, off_delay_s"

static void fill(Nwims__V1__Thresholds *thresholds, struct row *row)
{
    thresholds->id = row_text(row, 0);
    thresholds->has_low_low = row_double(row, 1, &thresholds->low_low);
    thresholds->has_low = row_double(row, 2, &thresholds->low);
    thresholds->has_high = row_double(row, 3, &thresholds->high);
    thresholds->has_high_high = row_double(row, 4, &thresholds->high_high);
    thresholds->has_hysteresis = row_double(row, 5, &thresholds->hysteresis);
    thresholds->has_on_delay_s = row_double(row, 6, &thresholds->on_delay_s);
    thresholds->has_off_delay_s = row_double(row, 7, &thresholds->off_delay_s);
}

static bool read(struct work *work, const char *id, Nwims__V1__Thresholds *reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows, "SELECT " COLUMNS " FROM sensor WHERE tenant_id = $1 AND id = $2::uuid",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such sensor");
    struct row row = { .rows = rows, .arena = work->call->arena };
    fill(reply, &row);
    return !row.is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool thresholds_get(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    AUTO_INPLACE(work) work = { 0 };
    return work_begin(&work, context, call, "sensors", "read", err) &&
           entity_store_get(&work, &sensor_entity, request->id, &sensor, err) && read(&work, sensor.id, reply, err);
}

static bool write(struct work *work, const Nwims__V1__Thresholds *wanted, struct err *err)
{
#define DOUBLE_IF(name) (wanted->has_##name ? PARAM_DOUBLE(wanted->name) : PARAM_NULL)
    return store_run(work->session,
        "UPDATE sensor SET low_low = $3::float8, low = $4::float8, high = $5::float8, high_high = $6::float8, "
        "hysteresis = $7::float8, on_delay_s = $8::float8, off_delay_s = $9::float8, version = version + 1, updated_at "
        "= now() WHERE tenant_id = $1 AND id = $2::uuid",
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id), DOUBLE_IF(low_low), DOUBLE_IF(low),
            DOUBLE_IF(high), DOUBLE_IF(high_high), DOUBLE_IF(hysteresis), DOUBLE_IF(on_delay_s),
            DOUBLE_IF(off_delay_s)),
        NULL, err);
#undef DOUBLE_IF
}

bool thresholds_put(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__Thresholds *wanted = input;
    AUTO_INPLACE(work) work = { 0 };
    thresholds_check(call, err, wanted);
    if (err->kind != ERR_NONE || !entity_begin_change(&work, context, call, &sensor_entity, "write", wanted->id, err) ||
        !write(&work, wanted, err) || !read(&work, work.key.id, reply, err))
        return false;
    const struct change change = { .noun = "sensor", .change = "updated", .id = work.key.id, .code = work.key.code };
    return work_announce(&work, &change, err) && work_commit(&work, err);
}
