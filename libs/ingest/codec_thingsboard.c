#include "ingest/codec.h"
#include "ingest/codec_value.h"

/* Whether the object that begins here is {"ts": ..., "values": {...}}: a sensor may be called "values" as well, but not
 * with an object for its value. */
static bool is_stamped(const struct json_scan *scan)
{
    struct json_scan ahead = *scan;
    struct json_text name;
    ahead.at++;
    bool has_more = !json_scan_is_empty(&ahead, '}');
    while (has_more) {
        if (!json_scan_name(&ahead, &name))
            return false;
        if (json_text_is(&name, "values") && json_scan_peek(&ahead) == '{')
            return true;
        if (!json_scan_skip(&ahead) || !json_scan_next(&ahead, '}', &has_more))
            return false;
    }
    return false;
}

static bool read_item(struct value_decoder *decoder)
{
    if (json_scan_peek(&decoder->scan) == '{' && is_stamped(&decoder->scan))
        return value_decoder_record(decoder, "ts", "values");
    return value_decoder_object(decoder);
}

static bool read_items(struct value_decoder *decoder)
{
    if (json_scan_peek(&decoder->scan) != '[')
        return read_item(decoder);
    decoder->scan.at++;
    bool has_more = !json_scan_is_empty(&decoder->scan, ']');
    while (has_more)
        if (!read_item(decoder) || !json_scan_next(&decoder->scan, ']', &has_more))
            return false;
    return true;
}

static bool read_devices(struct value_decoder *decoder)
{
    if (!json_scan_take(&decoder->scan, '{', "expected an object of devices"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more) {
        if (!json_scan_name(&decoder->scan, &decoder->prefix))
            return false;
        if (decoder->prefix.length == 0)
            return json_scan_fail(&decoder->scan, "a device has no name");
        if (!read_items(decoder) || !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
    }
    return true;
}

bool codec_thingsboard_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct value_decoder decoder = { .takes_unit = false };
    bool ok = value_decoder_begin(&decoder, arena, body, size) && read_items(&decoder);
    return value_decoder_end(&decoder, ok, "thingsboard-json", out_readings, err);
}

bool codec_thingsboard_gateway_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct value_decoder decoder = { .takes_unit = false };
    bool ok = value_decoder_begin(&decoder, arena, body, size) && read_devices(&decoder);
    return value_decoder_end(&decoder, ok, "thingsboard-gateway", out_readings, err);
}
