#include "ingest/codec.h"
#include "ingest/codec_value.h"

/* The members that only one of the two forms has. */
static bool is_compact_member(const struct json_text *name)
{
    return json_text_is(name, "m") || json_text_is(name, "b");
}

static bool read_record(struct value_decoder *decoder)
{
    return value_decoder_record(decoder, "t", "m");
}

static bool read_list(struct value_decoder *decoder)
{
    if (!json_scan_take(&decoder->scan, '[', "expected a list of records"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, ']');
    while (has_more)
        if (!read_record(decoder) || !json_scan_next(&decoder->scan, ']', &has_more))
            return false;
    return true;
}

/* {"b": [...]}, with whatever stands beside it. */
static bool read_wrapper(struct value_decoder *decoder)
{
    bool has_list = false;
    decoder->scan.at++;
    bool has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more) {
        struct json_text name;
        if (!json_scan_name(&decoder->scan, &name))
            return false;
        bool is_list = json_text_is(&name, "b");
        if (json_text_is(&name, "m") || (is_list && has_list))
            return json_scan_fail(&decoder->scan, "either \"m\" or one \"b\"");
        has_list = has_list || is_list;
        if (!(is_list ? read_list(decoder) : json_scan_skip(&decoder->scan)) ||
            !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
    }
    return true;
}

/* Looks at the members of the (first) object, up to one that tells. */
static bool first_object_has(const struct json_scan *scan, bool (*tells)(const struct json_text *name))
{
    struct json_scan ahead = *scan;
    struct json_text name;
    if (json_scan_peek(&ahead) == '[')
        ahead.at++;
    if (json_scan_peek(&ahead) != '{')
        return false;
    ahead.at++;
    bool has_more = !json_scan_is_empty(&ahead, '}');
    while (has_more) {
        if (!json_scan_name(&ahead, &name))
            return false;
        if (tells(&name))
            return true;
        if (!json_scan_skip(&ahead) || !json_scan_next(&ahead, '}', &has_more))
            return false;
    }
    return false;
}

static bool is_list_member(const struct json_text *name)
{
    return json_text_is(name, "b");
}

bool codec_compact_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct value_decoder decoder = { .takes_unit = true, .number_name = "s" };
    bool ok = value_decoder_begin(&decoder, arena, body, size);
    if (ok && json_scan_peek(&decoder.scan) == '[')
        ok = read_list(&decoder);
    else if (ok && first_object_has(&decoder.scan, is_list_member))
        ok = read_wrapper(&decoder);
    else
        ok = ok && read_record(&decoder);
    return value_decoder_end(&decoder, ok, "compact-json", out_readings, err);
}

bool codec_device_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct json_scan scan = { 0 };
    bool is_compact = json_scan_begin(&scan, arena, body, size) && first_object_has(&scan, is_compact_member);
    return (is_compact ? codec_compact_json_decode : codec_json_decode)(out_readings, arena, body, size, err);
}
