/* What the body of DATA is written in, by its number. */
#pragma once
#include "ingest/codec.h"

enum { FORMAT_DEVICE_JSON = 1 };
/* NULL: there is no such format. */
const char *format_media_type(uint8_t format);
/* The errors are those of the codecs. */
MUST_CHECK bool format_decode(uint8_t format, struct raw_readings *out_readings, struct arena *arena, const char *body,
    size_t size, int64_t received_at_us, struct err *err);
