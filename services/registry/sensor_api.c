#include "entity_api.h"
#include "field.h"
#include "ingest/unit.h"
#include "sensor_store.h"
#include <float.h>
#include <string.h>

#define KINDS                                                                                                          \
    "pressure|flow|level|volume|temperature|ph|chlorine|turbidity|conductivity|redox|power|energy|voltage|state|other"

bool sensor_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    Nwims__V1__ListSensorsReply *list = reply;
    struct entity_items items;
    if (!entity_list(context, call, &sensor_entity, request, &items, err))
        return false;
    list->n_items = items.count;
    list->items = items.messages;
    list->next_cursor = items.next_cursor;
    return true;
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

static bool check(struct rpc_call *call, const Nwims__V1__Sensor *sensor, bool is_new, struct err *err)
{
    field_code(call, err, sensor->code, is_new);
    field_name(call, err, sensor->name, false);
    field_choice(call, err, "kind", sensor->kind, KINDS, is_new);
    field_reference(call, err, "device_id", sensor->device_id, false);
    field_reference(call, err, "municipality_id", sensor->municipality_id, false);
    field_reference(call, err, "zone_id", sensor->zone_id, false);
    field_number(call, err, "range_min", sensor->has_range_min, sensor->range_min, -DBL_MAX, DBL_MAX);
    field_number(call, err, "range_max", sensor->has_range_max, sensor->range_max, -DBL_MAX, DBL_MAX);
    field_number(call, err, "period_s", sensor->has_period_s, (double)sensor->period_s, 1, 31536000);
    field_choice(call, err, "state", sensor->state, "active|disabled", false);
    return err->kind == ERR_NONE;
}

/* The UCUM code of what was asked for, or of the kind's usual unit. */
static const char *choose_unit(struct rpc_call *call, const char *kind, const char *wanted, struct err *err)
{
    const char *name = wanted ? wanted : unit_of_kind(kind);
    const struct unit *unit = name ? unit_find(name, strlen(name)) : NULL;
    if (unit && unit_fits_kind(unit, kind))
        return unit_code(unit);
    if (!name)
        rpc_violation(call, err, "unit", "is required for a sensor of the kind %s", kind);
    else if (!unit)
        rpc_violation(call, err, "unit", "is no unit that is known here: use a UCUM code");
    else
        rpc_violation(call, err, "unit", "does not fit a sensor of the kind %s", kind);
    return NULL;
}

bool sensor_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    Nwims__V1__Sensor *made = reply;
    if (!check(call, request, true, err))
        return false;
    Nwims__V1__Sensor wanted = *(const Nwims__V1__Sensor *)request;
    const char *unit = choose_unit(call, wanted.kind, wanted.unit, err);
    if (!unit)
        return false;
    wanted.unit = (char *)(uintptr_t)unit;
    return work_begin(&work, context, call, "sensors", "write", err) &&
           sensor_store_create(&work, &wanted, made, err) &&
           entity_created(&work, &sensor_entity, made->id, made->code, err);
}

/* What is stored is in this unit. Another spelling of the same one is fine, and so is another kind that it fits. */
static bool check_unit(
    struct rpc_call *call, const Nwims__V1__Sensor *wanted, const Nwims__V1__Sensor *changed, struct err *err)
{
    const struct unit *unit = unit_find(changed->unit, strlen(changed->unit));
    const struct unit *other = wanted->unit ? unit_find(wanted->unit, strlen(wanted->unit)) : unit;
    if (!other || !unit || strcmp(unit_code(other), changed->unit) != 0)
        rpc_violation(call, err, "unit", "cannot be changed: it is %s", changed->unit);
    else if (wanted->kind && !unit_fits_kind(unit, wanted->kind))
        rpc_violation(call, err, "kind", "does not fit the unit %s", changed->unit);
    return err->kind == ERR_NONE;
}

bool sensor_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    const Nwims__V1__Sensor *wanted = request;
    Nwims__V1__Sensor *changed = reply;
    return check(call, wanted, false, err) &&
           entity_begin_update(&work, context, call, &sensor_entity, wanted->id, err) &&
           sensor_store_update(&work, wanted, changed, err) && check_unit(call, wanted, changed, err) &&
           entity_updated(&work, &sensor_entity, changed->code, err);
}
