/* JSON objects that are kept as text: what a device is told, for example. Does no I/O, any thread. */
#pragma once
#include "base/err.h"
#include <stddef.h>

enum { JSON_OBJECT_LARGEST_BYTES = 16 * 1024 }; /* of a field with @format json */

/* One object of at most this many bytes, and nothing after it. ERR_INPUT says what is wrong. */
MUST_CHECK bool json_object_check(const char *text, size_t most_bytes, struct err *err);
