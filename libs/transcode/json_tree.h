/* JSON text as a tree, strictly: cJSON with what it lets pass (see json_tree.c) refused beforehand. cJSON is seen by
 * this folder only. */
#pragma once
#include "base/err.h"
#include <cjson/cJSON.h>

enum { JSON_DEEPEST = 16, JSON_MOST_VALUES = 250000 };

AUTO_DEFINE(cJSON, cJSON_Delete)
/* One JSON value and nothing after it but white space. ERR_INPUT, saying at which byte, if it is none; ERR_LIMIT
 * without memory. Numbers are finite, texts are UTF-8 without NUL. Duplicate keys are the caller's to refuse. Caller
 * deletes. */
MUST_CHECK bool json_tree_parse(struct cJSON **out_tree, const char *json, size_t size, struct err *err);
