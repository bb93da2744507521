#include "sensor_store.h"

#define COLUMNS                                                                                                        \
    "id, code, name, kind, unit, device_id, municipality_id, zone_id, range_min, range_max, period_s, state, "         \
    "created_at, "                                                                                                     \
    "updated_at, sensor_no"

static void fill(void *message, struct row *row)
{
    Nwims__V1__Sensor *sensor = message;
    int64_t sensor_no;
    sensor->id = row_text(row, 0);
    sensor->code = row_text(row, 1);
    sensor->name = row_text(row, 2);
    sensor->kind = row_text(row, 3);
    sensor->unit = row_text(row, 4);
    sensor->device_id = row_text(row, 5);
    sensor->municipality_id = row_text(row, 6);
    sensor->zone_id = row_text(row, 7);
    sensor->has_range_min = row_double(row, 8, &sensor->range_min);
    sensor->has_range_max = row_double(row, 9, &sensor->range_max);
    sensor->has_period_s = row_int(row, 10, &sensor->period_s);
    sensor->state = row_text(row, 11);
    sensor->has_created_at = row_time(row, 12, &sensor->created_at);
    sensor->has_updated_at = row_time(row, 13, &sensor->updated_at);
    sensor->has_sensor_no = row_int(row, 14, &sensor_no);
    sensor->sensor_no = (int32_t)sensor_no;
}

const struct entity sensor_entity = { .noun = "sensor",
    .plural = "sensors",
    .columns = COLUMNS,
    .descriptor = &nwims__v1__sensor__descriptor,
    .fill = fill,
    .filters = 4 };

bool sensor_store_create(
    struct work *work, const Nwims__V1__Sensor *sensor, Nwims__V1__Sensor *out_sensor, struct err *err)
{
    char id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    return entity_store_write(work->session, &sensor_entity,
        "INSERT INTO sensor (tenant_id, id, code, name, kind, unit, device_id, municipality_id, zone_id, range_min, "
        "range_max, "
        "period_s, state) VALUES ($1, $2, $3, NULLIF($4, ''), $5, $6, NULLIF($7, '')::uuid, NULLIF($8, '')::uuid, "
        "NULLIF($9, '')::uuid, $10, $11, $12, coalesce($13, 'active')) RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id), PARAM_TEXT(sensor->code), PARAM_TEXT(sensor->name),
            PARAM_TEXT(sensor->kind), PARAM_TEXT(sensor->unit), PARAM_TEXT(sensor->device_id),
            PARAM_TEXT(sensor->municipality_id), PARAM_TEXT(sensor->zone_id),
            PARAM_DOUBLE_IF(sensor->has_range_min, sensor->range_min),
            PARAM_DOUBLE_IF(sensor->has_range_max, sensor->range_max),
            PARAM_INT_IF(sensor->has_period_s, sensor->period_s), PARAM_TEXT(sensor->state)),
        sensor->code, work->call, out_sensor, err);
}

bool sensor_store_update(
    struct work *work, const Nwims__V1__Sensor *sensor, Nwims__V1__Sensor *out_sensor, struct err *err)
{
    return entity_store_write(work->session, &sensor_entity,
        "UPDATE sensor SET code = coalesce($3, code), " KEEP_OR_SET("name",
            "$4") ", kind = coalesce($5, kind), " KEEP_OR_REFER("device_id", "$6") ", " KEEP_OR_REFER("municipality_id",
            "$7") ", " KEEP_OR_REFER("zone_id", "$8") ", range_min = coalesce($9, range_min), range_max = "
                                                      "coalesce($10, range_max), period_s = coalesce($11, period_s), "
                                                      "state = coalesce($12, state), updated_at = now() WHERE "
                                                      "tenant_id = $1 AND id = $2 RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id), PARAM_TEXT(sensor->code), PARAM_TEXT(sensor->name),
            PARAM_TEXT(sensor->kind), PARAM_TEXT(sensor->device_id), PARAM_TEXT(sensor->municipality_id),
            PARAM_TEXT(sensor->zone_id), PARAM_DOUBLE_IF(sensor->has_range_min, sensor->range_min),
            PARAM_DOUBLE_IF(sensor->has_range_max, sensor->range_max),
            PARAM_INT_IF(sensor->has_period_s, sensor->period_s), PARAM_TEXT(sensor->state)),
        sensor->code, work->call, out_sensor, err);
}
