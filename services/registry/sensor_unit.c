#include "sensor_unit.h"
#include "field.h"
#include "ingest/unit.h"
#include <float.h>
#include <string.h>

const char *sensor_unit_choose(struct rpc_call *call, const char *kind, const char *wanted, struct err *err)
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

bool sensor_unit_check(
    struct rpc_call *call, const char *kind, const char *wanted, const char *unit_name, struct err *err)
{
    const struct unit *unit = unit_find(unit_name, strlen(unit_name));
    const struct unit *other = wanted ? unit_find(wanted, strlen(wanted)) : unit;
    if (!other || !unit || strcmp(unit_code(other), unit_name) != 0)
        rpc_violation(call, err, "unit", "cannot be changed: it is %s", unit_name);
    else if (kind && !unit_fits_kind(unit, kind))
        rpc_violation(call, err, "kind", "does not fit the unit %s", unit_name);
    return err->kind == ERR_NONE;
}

static void check_order(struct rpc_call *call, struct err *err, const Nwims__V1__Thresholds *wanted)
{
    const struct {
        const char *field;
        bool has;
        double value;
    } limits[] = { { "low_low", wanted->has_low_low, wanted->low_low }, { "low", wanted->has_low, wanted->low },
        { "high", wanted->has_high, wanted->high }, { "high_high", wanted->has_high_high, wanted->high_high } };
    const char *below = NULL;
    double least = 0;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        field_number(call, err, limits[i].field, limits[i].has, limits[i].value, -DBL_MAX, DBL_MAX);
        if (limits[i].has && below && !(limits[i].value > least))
            rpc_violation(call, err, limits[i].field, "must be more than %s", below);
        if (limits[i].has) {
            below = limits[i].field;
            least = limits[i].value;
        }
    }
}

void thresholds_check(struct rpc_call *call, struct err *err, const Nwims__V1__Thresholds *wanted)
{
    check_order(call, err, wanted);
    field_number(call, err, "hysteresis", wanted->has_hysteresis, wanted->hysteresis, 0, DBL_MAX);
    field_number(call, err, "on_delay_s", wanted->has_on_delay_s, wanted->on_delay_s, 0, 86400);
    field_number(call, err, "off_delay_s", wanted->has_off_delay_s, wanted->off_delay_s, 0, 86400);
}
