/* The same on a tree. Inside this folder. */
#pragma once
#include "transcode/json_tree.h"

/* NULL if it is a geometry that is taken here, else what is wrong with it. types as in geojson.h. */
const char *geojson_fault(const struct cJSON *geometry, const char *types);
