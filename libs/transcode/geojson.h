/* GeoJSON geometries (RFC 7946) as far as they are taken here: Point, Polygon and MultiPolygon, WGS 84, longitude
 * first, bounded in size. Does no I/O, any thread. */
#pragma once
#include "base/err.h"

enum { GEOJSON_LARGEST_BYTES = 128 * 1024, GEOJSON_MOST_POSITIONS = 10000 };

/* types: those allowed, "Point|Polygon"; NULL: all three. ERR_INPUT says what is wrong. */
MUST_CHECK bool geojson_check(const char *text, const char *types, struct err *err);
