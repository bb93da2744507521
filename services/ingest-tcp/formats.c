#include "formats.h"

/* Numbers are never used again for something else. */
static const char *const media_types[] = {
    [FORMAT_DEVICE_JSON] = "application/json",
    [2] = "application/senml+json",
    [3] = "application/senml+cbor",
    [4] = "application/x-ndjson",
    [5] = "text/csv",
    [6] = "application/x-protobuf",
    [7] = DEVICE_BODY_PROFILED,
    [8] = "application/x-cayenne-lpp",
};

const char *format_media_type(uint8_t format)
{
    return format < COUNT_OF(media_types) ? media_types[format] : NULL;
}

bool format_decode(uint8_t format, struct raw_readings *out_readings, struct arena *arena, struct directory *directory,
    struct device_body body, struct err *err)
{
    body.content_type = format_media_type(format);
    if (!body.content_type)
        return err_set(err, ERR_INPUT, "format %u is none that is read here", format);
    bool ok = device_body_decode(out_readings, arena, directory, &body, err);
    if (ok)
        out_readings->mark_count = 0; /* the frame's own numbers count */
    return ok;
}
