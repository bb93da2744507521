/* Sensors in SQL, within the session's transaction. */
#pragma once
#include "work.h"

MUST_CHECK bool sensor_store_create(
    struct work *work, const Nwims__V1__Sensor *sensor, Nwims__V1__Sensor *out_sensor, struct err *err);
/* Changes what is there in the request of the one that work->key names. */
MUST_CHECK bool sensor_store_update(
    struct work *work, const Nwims__V1__Sensor *sensor, Nwims__V1__Sensor *out_sensor, struct err *err);
