/* A sensor with its thresholds, as bulk operations write it: one row, one message. */
#pragma once
#include "bulk.h"
#include "nwims/v1/bulk.pb-c.h"

extern const struct entity sensor_record_entity;
