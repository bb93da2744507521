/* The rules of a sensor's unit and thresholds, told as violations of the call. Does no I/O. */
#pragma once
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"

/* The UCUM code of the unit that is wanted for a new sensor, or of the kind's usual one; NULL: a violation. */
MUST_CHECK const char *sensor_unit_choose(struct rpc_call *call, const char *kind, const char *wanted, struct err *err);
/* Of a sensor that is there with the unit given: stored values are in it. Another spelling of the same one is fine, and
 * so is another kind that it fits. kind and wanted are NULL where nothing is said of them. */
MUST_CHECK bool sensor_unit_check(
    struct rpc_call *call, const char *kind, const char *wanted, const char *unit, struct err *err);
/* Each limit that there is lies above those below it, and none of the times is negative. */
void thresholds_check(struct rpc_call *call, struct err *err, const Nwims__V1__Thresholds *wanted);
