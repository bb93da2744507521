#include "formats.h"
#include "ingest/body_codec.h"

/* 1 is application/json and has the compact form beside the API's; numbers are never used again for something else. */
static const char *const media_types[] = {
    [FORMAT_DEVICE_JSON] = "application/json",
    [2] = "application/senml+json",
    [3] = "application/senml+cbor",
    [4] = "application/x-ndjson",
    [5] = "text/csv",
    [6] = "application/x-protobuf",
};

const char *format_media_type(uint8_t format)
{
    return format < COUNT_OF(media_types) ? media_types[format] : NULL;
}

bool format_decode(uint8_t format, struct raw_readings *out_readings, struct arena *arena, const char *body,
    size_t size, int64_t received_at_us, struct err *err)
{
    if (format == FORMAT_DEVICE_JSON)
        return codec_device_json_decode(out_readings, arena, body, size, err);
    const char *media_type = format_media_type(format);
    const struct body_codec *codec = media_type ? body_codec_find(media_type) : NULL;
    if (!codec)
        return err_set(err, ERR_INPUT, "format %u is none that is read here", format);
    return codec->decode(out_readings, arena, body, size, received_at_us, err);
}
