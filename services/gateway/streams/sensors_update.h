/* POST /batch/sensors/update: a body and a query at once. */
#pragma once
#include "route.h"

exchange_handler post_sensors_update;
extern const struct hand_written post_sensors_update_manual;
