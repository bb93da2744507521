#include "ingest/codec.h"
#include "ingest/senml.h"

struct decoder {
    struct json_scan scan;
    struct senml_pack pack;
};

static bool read_unknown(struct decoder *decoder, const struct json_text *name)
{
    return senml_may_ignore(name) ? json_scan_skip(&decoder->scan)
                                  : json_scan_fail(&decoder->scan, senml_not_understood);
}

/* A value of another type is passed over and marked. */
static bool read_typed(struct decoder *decoder, enum senml_label label, struct senml_record *record)
{
    struct json_scan *scan = &decoder->scan;
    char first = json_scan_peek(scan);
    enum senml_type type = senml_type_of(label);
    enum json_number found = JSON_NUMBER_NONE;
    if (type == SENML_TEXT && first == '"')
        return json_scan_text(scan, &record->texts[label]);
    if (type == SENML_FLAG && (json_scan_word(scan, "true") || json_scan_word(scan, "false"))) {
        record->numbers[label] = first == 't';
        return true;
    }
    if (type == SENML_NUMBER && first != '"')
        found = json_scan_number(scan, &record->numbers[label]);
    if (found == JSON_NUMBER)
        return true;
    record->faulty |= SENML_BIT(label);
    return found == JSON_NUMBER_NOT_FINITE || json_scan_skip(scan);
}

static bool read_record(struct decoder *decoder, struct senml_record *record)
{
    if (!json_scan_take(&decoder->scan, '{', "expected a record"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more) {
        struct json_text name;
        if (!json_scan_name(&decoder->scan, &name))
            return false;
        enum senml_label label = senml_label_of(&name);
        if (label != SENML_UNKNOWN && record->seen & SENML_BIT(label))
            return json_scan_fail(&decoder->scan, senml_given_twice);
        record->seen |= label == SENML_UNKNOWN ? 0 : SENML_BIT(label);
        if (!(label == SENML_UNKNOWN ? read_unknown(decoder, &name) : read_typed(decoder, label, record)) ||
            !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
    }
    return true;
}

static bool take_record(struct decoder *decoder, const struct senml_record *record)
{
    return senml_pack_take(&decoder->pack, record) || json_scan_fail(&decoder->scan, decoder->pack.problem);
}

static bool read_pack(struct decoder *decoder)
{
    if (!json_scan_take(&decoder->scan, '[', "expected a SenML pack, which is a list"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, ']');
    while (has_more) {
        struct senml_record record = { 0 };
        if (!read_record(decoder, &record) || !take_record(decoder, &record) ||
            !json_scan_next(&decoder->scan, ']', &has_more))
            return false;
    }
    return json_scan_end(&decoder->scan);
}

bool codec_senml_json_decode(struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size,
    int64_t received_at_us, struct err *err)
{
    struct decoder decoder = { .pack = { .list.arena = arena, .received_at = received_at_us } };
    const struct err *limit = &decoder.pack.err;
    if (!json_scan_begin(&decoder.scan, arena, body, size) || !read_pack(&decoder))
        return limit->kind == ERR_NONE ? json_scan_err(&decoder.scan, err)
                                       : err_set(err, limit->kind, "%s", limit->text);
    *out_readings = (struct raw_readings){ decoder.pack.list.items, decoder.pack.list.count, "senml-json" };
    return true;
}
