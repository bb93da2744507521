/* What the body of DATA is written in, by its number. */
#pragma once
#include "ingest/device_body.h"

enum { FORMAT_DEVICE_JSON = 1 };
/* A media type of device_body.h; NULL: there is no such format. */
const char *format_media_type(uint8_t format);
/* The body's content type is the format's. The errors are those of device_body_decode. */
MUST_CHECK bool format_decode(uint8_t format, struct raw_readings *out_readings, struct arena *arena,
    struct directory *directory, struct device_body body, struct err *err);
