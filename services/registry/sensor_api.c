#include "entity_api.h"
#include "field.h"
#include "sensor_columns.h"
#include "sensor_unit.h"
#include <float.h>

#define KINDS                                                                                                          \
    "pressure|flow|level|volume|temperature|ph|chlorine|turbidity|conductivity|redox|power|energy|voltage|state|other"

static const struct column columns[] = {
    SENSOR_COLUMNS,
    { "sensor_no", "integer", COLUMN_READONLY, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = {
    { "municipality_id", "located_in = %s::uuid" },
    { "zone_id", "zone_id = %s::uuid" },
    { "site_id", "site_id = %s::uuid" },
    { "device_id", "device_id = %s::uuid" },
    { "region_id", IN_REGION("located_in") },
    { "kind", "kind = %s::text" },
    { "state", "state = %s::text" },
    { "is_household", "is_household = %s::boolean" },
    { 0 },
};

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__Sensor *sensor = message;
    field_code(call, err, sensor->code, is_new);
    field_name(call, err, sensor->name, false);
    field_choice(call, err, "kind", sensor->kind, KINDS, is_new);
    field_reference(call, err, "device_id", sensor->device_id, false);
    field_reference(call, err, "municipality_id", sensor->municipality_id, false);
    field_reference(call, err, "zone_id", sensor->zone_id, false);
    field_reference(call, err, "site_id", sensor->site_id, false);
    field_number(call, err, "range_min", sensor->has_range_min, sensor->range_min, -DBL_MAX, DBL_MAX);
    field_number(call, err, "range_max", sensor->has_range_max, sensor->range_max, -DBL_MAX, DBL_MAX);
    field_number(call, err, "period_s", sensor->has_period_s, (double)sensor->period_s, 1, 31536000);
    field_choice(call, err, "state", sensor->state, "active|disabled", false);
    field_position(call, err, message);
}

const struct entity sensor_entity = { .noun = "sensor",
    .plural = "sensors",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__sensor__descriptor,
    .place = "located_in",
    .check = check };

bool sensor_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &sensor_entity, request, reply, err);
}

bool sensor_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &sensor_entity, request, reply, err);
}

bool sensor_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &sensor_entity, request, err);
}

bool sensor_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    if (!entity_check(call, &sensor_entity, request, true, err))
        return false;
    Nwims__V1__Sensor wanted = *(const Nwims__V1__Sensor *)request;
    const char *unit = sensor_unit_choose(call, wanted.kind, wanted.unit, err);
    if (!unit)
        return false;
    wanted.unit = (char *)(uintptr_t)unit;
    return work_begin(&work, context, call, "sensors", "write", err) &&
           entity_store_create(&work, &sensor_entity, &wanted, reply, err) &&
           entity_created(&work, &sensor_entity, reply, err);
}

bool sensor_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    const Nwims__V1__Sensor *wanted = request, *changed = reply;
    return entity_check(call, &sensor_entity, request, false, err) &&
           entity_begin_change(&work, context, call, &sensor_entity, "write", wanted->id, err) &&
           entity_store_update(&work, &sensor_entity, request, reply, err) &&
           sensor_unit_check(call, wanted->kind, wanted->unit, changed->unit, err) &&
           entity_updated(&work, &sensor_entity, reply, err);
}
