#include "base/time_text.h"
#include "ingest/cbor_scan.h"
#include "ingest/codec.h"
#include "ingest/raw_list.h"
#include "ingest/time_rule.h"
#include <string.h>

enum { USUAL_VALUE_BYTES = 16 };

struct decoder {
    struct cbor_scan scan;
    struct raw_list list;
    struct sequence_marks marks;
    struct err err; /* of the list: ERR_LIMIT */
};
/* What a record has beside its values. */
struct stamp {
    bool is_given, is_time;
    int64_t us;
};

static bool name_is(const struct json_text *name, const char *wanted)
{
    return name->length == strlen(wanted) && memcmp(name->bytes, wanted, name->length) == 0;
}

/* ---- values ---- */
static bool read_plain(struct decoder *decoder, struct raw_reading *reading)
{
    bool flag;
    if (cbor_scan_flag(&decoder->scan, &flag)) {
        reading->value = flag;
        return true;
    }
    switch (cbor_scan_number(&decoder->scan, &reading->value)) {
    case JSON_NUMBER:
        return true;
    case JSON_NUMBER_NOT_FINITE:
        raw_reading_fault(reading, "value", "value is not a finite number");
        return true;
    case JSON_NUMBER_NONE:
        break;
    }
    raw_reading_fault(reading, "value", "value is neither a number nor true or false");
    return cbor_scan_skip(&decoder->scan);
}

/* [4.12, "bar"] */
static bool read_value(struct decoder *decoder, struct raw_reading *reading)
{
    static const char form[] = "a value with its unit is [4.12, \"bar\"]";
    struct cbor_list pair;
    struct json_text unit;
    if (cbor_scan_peek(&decoder->scan) != CBOR_ARRAY)
        return read_plain(decoder, reading);
    if (!cbor_scan_open(&decoder->scan, CBOR_ARRAY, &pair, form))
        return false;
    if (pair.is_open || pair.left != 2)
        return cbor_scan_fail(&decoder->scan, form);
    if (!read_plain(decoder, reading) || !cbor_scan_text(&decoder->scan, &unit))
        return false;
    reading->unit = unit.length > 0 ? unit.bytes : NULL;
    reading->unit_length = unit.length;
    return true;
}

static bool read_values(struct decoder *decoder)
{
    struct cbor_list members;
    bool has_more;
    if (!cbor_scan_open(&decoder->scan, CBOR_MAP, &members, "expected a map of sensors and values"))
        return false;
    for (;;) {
        struct json_text name;
        if (!cbor_scan_next(&decoder->scan, &members, &has_more))
            return false;
        if (!has_more)
            return true;
        struct raw_reading *reading = raw_list_add(&decoder->list, &decoder->err);
        if (!reading || !cbor_scan_text(&decoder->scan, &name))
            return false;
        reading->sensor = name.bytes;
        reading->sensor_length = name.length;
        if (name.length == 0)
            raw_reading_fault(reading, "sensor_id", "the sensor has no name");
        if (!read_value(decoder, reading))
            return false;
    }
}

/* ---- records ---- */
static bool read_time(struct decoder *decoder, struct stamp *stamp)
{
    struct json_text text;
    double number;
    stamp->is_given = true;
    if (cbor_scan_peek(&decoder->scan) == CBOR_TEXT) {
        if (!cbor_scan_text(&decoder->scan, &text))
            return false;
        stamp->is_time = time_text_parse(text.bytes, text.length, &stamp->us);
        return true;
    }
    enum json_number found = cbor_scan_number(&decoder->scan, &number);
    stamp->is_time = found == JSON_NUMBER && time_of_number(number, &stamp->us);
    return found != JSON_NUMBER_NONE || cbor_scan_skip(&decoder->scan);
}

static void put_stamp(struct decoder *decoder, size_t first, const struct stamp *stamp)
{
    for (size_t i = first; stamp->is_given && i < decoder->list.count; i++) {
        struct raw_reading *reading = &decoder->list.items[i];
        reading->has_time = stamp->is_time;
        reading->observed_at = stamp->is_time ? stamp->us : 0;
        if (!stamp->is_time)
            raw_reading_fault(
                reading, "timestamp", "the time is neither a number since 1970 nor RFC 3339 (2026-11-24T08:00:00Z)");
    }
}

static bool read_list(struct decoder *decoder);

struct record {
    struct stamp stamp;
    bool has_values, has_number, is_list;
    uint64_t number;
};

/* What is no number to count by is not followed, as other members are not. */
static bool read_number(struct decoder *decoder, struct record *record)
{
    double number;
    enum json_number found = cbor_scan_number(&decoder->scan, &number);
    record->has_number = found == JSON_NUMBER && sequence_number(number, &record->number);
    return found != JSON_NUMBER_NONE || cbor_scan_skip(&decoder->scan);
}

static bool put_mark(struct decoder *decoder, const struct record *record)
{
    const struct sequence_mark mark = { record->number, record->number, record->stamp.us, record->stamp.is_time };
    return !record->has_number || record->is_list || sequence_marks_add(&decoder->marks, &mark) ||
           err_set(&decoder->err, ERR_LIMIT, "no memory");
}

static bool read_member(struct decoder *decoder, bool may_wrap, struct record *record)
{
    struct json_text name;
    if (!cbor_scan_text(&decoder->scan, &name))
        return false;
    bool is_time = name_is(&name, "t"), is_wrapped = may_wrap && name_is(&name, "b"),
         is_values = name_is(&name, "m") || is_wrapped;
    if ((is_time && record->stamp.is_given) || (is_values && record->has_values))
        return cbor_scan_fail(&decoder->scan, "a member is given twice");
    record->has_values = record->has_values || is_values;
    record->is_list = record->is_list || is_wrapped;
    if (is_time)
        return read_time(decoder, &record->stamp);
    if (is_wrapped)
        return read_list(decoder);
    if (name_is(&name, "s"))
        return read_number(decoder, record);
    return is_values ? read_values(decoder) : cbor_scan_skip(&decoder->scan);
}

/* A record, or outermost the wrapper {"b": [records]}. */
static bool read_record(struct decoder *decoder, bool may_wrap)
{
    size_t first = decoder->list.count;
    struct cbor_list members;
    struct record record = { 0 };
    bool has_more = true;
    if (!cbor_scan_open(&decoder->scan, CBOR_MAP, &members, "expected a map of a time and values"))
        return false;
    for (;;) {
        if (!cbor_scan_next(&decoder->scan, &members, &has_more))
            return false;
        if (!has_more)
            break;
        if (!read_member(decoder, may_wrap, &record))
            return false;
    }
    if (!record.has_values)
        return cbor_scan_fail(&decoder->scan, "the values are missing");
    put_stamp(decoder, first, &record.stamp);
    return put_mark(decoder, &record);
}

static bool read_list(struct decoder *decoder)
{
    struct cbor_list records;
    bool has_more;
    if (!cbor_scan_open(&decoder->scan, CBOR_ARRAY, &records, "expected a list of records"))
        return false;
    for (;;) {
        if (!cbor_scan_next(&decoder->scan, &records, &has_more))
            return false;
        if (!has_more)
            return true;
        if (!read_record(decoder, false))
            return false;
    }
}

bool codec_compact_cbor_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct decoder decoder = { .list = { .arena = arena, .first_capacity = size / USUAL_VALUE_BYTES },
        .marks = { .arena = arena } };
    cbor_scan_begin(&decoder.scan, body, size);
    bool ok = cbor_scan_peek(&decoder.scan) == CBOR_ARRAY ? read_list(&decoder) : read_record(&decoder, true);
    if (!ok || !cbor_scan_end(&decoder.scan))
        return decoder.err.kind == ERR_NONE ? cbor_scan_err(&decoder.scan, err)
                                            : err_set(err, decoder.err.kind, "%s", decoder.err.text);
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "compact-cbor", decoder.marks.items,
        decoder.marks.count };
    return true;
}
