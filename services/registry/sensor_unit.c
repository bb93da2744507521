#include "entity.h"
#include "ingest/unit.h"
#include <string.h>

bool sensor_unit_prepare(struct rpc_call *call, void *message, const void *old, struct err *err)
{
    Nwims__V1__Sensor *sensor = message;
    const Nwims__V1__Sensor *stored = old;
    const char *kind = sensor->kind ? sensor->kind : stored ? stored->kind : "";
    const char *text = sensor->unit ? sensor->unit : stored ? stored->unit : unit_of_kind(kind);
    const struct unit *unit = text ? unit_find(text, strlen(text)) : NULL;
    if (!unit)
        return rpc_violation(call, err, "unit", "\"%.16s\" is no unit that is known; use a UCUM code such as bar, m3/h or Cel", text ? text : "");
    if (!unit_fits_kind(unit, kind))
        return rpc_violation(call, err, "unit", "%.16s is no unit of the kind %.16s, whose usual one is %s", text, kind, unit_of_kind(kind) ? unit_of_kind(kind) : "none");
    if (stored && strcmp(unit_code(unit), stored->unit) != 0)
        return rpc_violation(call, err, "unit", "is fixed: readings are stored in %s; make another sensor for another unit", stored->unit);
    if (sensor->has_range_min && sensor->has_range_max && sensor->range_min > sensor->range_max)
        return rpc_violation(call, err, "range_min", "is above range_max");
    sensor->unit = arena_text(call->arena, unit_code(unit));
    return sensor->unit || err_set(err, ERR_LIMIT, "no memory left for this call");
}
