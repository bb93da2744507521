/* What callers may say of a sensor, one at a time or in bulk. */
#pragma once
#include "entity.h"

/* The unit is fixed: stored values are in it. */
/* clang-format off */
#define SENSOR_COLUMNS \
    { "id", "uuid", COLUMN_READONLY, NULL, NULL }, \
    { "code", "text", COLUMN_REQUIRED, NULL, NULL }, \
    { "name", "text", 0, NULL, NULL }, \
    { "kind", "text", COLUMN_REQUIRED, NULL, NULL }, \
    { "unit", "text", COLUMN_FIXED, NULL, NULL }, \
    { "device_id", "uuid", COLUMN_PLACE, NULL, &device_entity }, \
    { "municipality_id", "uuid", COLUMN_PLACE, NULL, &municipality_entity }, \
    { "zone_id", "uuid", COLUMN_PLACE, NULL, &zone_entity }, \
    { "site_id", "uuid", COLUMN_PLACE, NULL, &site_entity }, \
    { "range_min", "double precision", 0, NULL, NULL }, \
    { "range_max", "double precision", 0, NULL, NULL }, \
    { "period_s", "bigint", 0, NULL, NULL }, \
    { "state", "text", COLUMN_KEPT, "'active'", NULL }, \
    { "latitude", "double precision", 0, NULL, NULL }, \
    { "longitude", "double precision", 0, NULL, NULL }, \
    { "elevation_m", "double precision", 0, NULL, NULL }, \
    { "is_household", "boolean", COLUMN_KEPT, "false", NULL }
/* clang-format on */
