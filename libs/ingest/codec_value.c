#include "ingest/codec_value.h"
#include "base/time_text.h"
#include "ingest/codec.h"
#include "ingest/time_rule.h"
#include <string.h>

/* Two keys of one object that are the same are told up to so many; beyond it the later one is a duplicate in storage.
 */
enum { USUAL_VALUE_BYTES = 32, MOST_COMPARED = 32 };

bool json_text_is(const struct json_text *text, const char *wanted)
{
    return text->length == strlen(wanted) && memcmp(text->bytes, wanted, text->length) == 0;
}

bool value_decoder_begin(struct value_decoder *decoder, struct arena *arena, const char *body, size_t size)
{
    decoder->list = (struct raw_list){ .arena = arena, .first_capacity = size / USUAL_VALUE_BYTES };
    decoder->marks = (struct sequence_marks){ .arena = arena };
    decoder->err = (struct err){ 0 };
    return json_scan_begin(&decoder->scan, arena, body, size);
}

bool value_decoder_end(
    struct value_decoder *decoder, bool ok, const char *codec, struct raw_readings *out_readings, struct err *err)
{
    if (!ok || !json_scan_end(&decoder->scan)) {
        if (decoder->err.kind != ERR_NONE)
            return err_set(err, decoder->err.kind, "%s", decoder->err.text);
        return json_scan_err(&decoder->scan, err);
    }
    *out_readings = (struct raw_readings){ decoder->list.items, decoder->list.count, codec, decoder->marks.items,
        decoder->marks.count };
    return true;
}

/* ---- one value ---- */
static bool read_number(struct value_decoder *decoder, struct raw_reading *reading)
{
    switch (json_scan_number(&decoder->scan, &reading->value)) {
    case JSON_NUMBER:
        return true;
    case JSON_NUMBER_NOT_FINITE:
        raw_reading_fault(reading, "value", "value is not a finite number");
        return true;
    case JSON_NUMBER_NONE:
        break;
    }
    raw_reading_fault(reading, "value", "value is neither a number nor true or false");
    return json_scan_skip(&decoder->scan);
}

static bool read_plain(struct value_decoder *decoder, struct raw_reading *reading)
{
    if (json_scan_word(&decoder->scan, "true") || json_scan_word(&decoder->scan, "false")) {
        reading->value = decoder->scan.at[-2] == 'u'; /* tr-u-e */
        return true;
    }
    return read_number(decoder, reading);
}

/* [4.12, "bar"] */
static bool read_with_unit(struct value_decoder *decoder, struct raw_reading *reading)
{
    static const char form[] = "a value with its unit is [4.12, \"bar\"]";
    struct json_text unit;
    bool has_more;
    decoder->scan.at++;
    if (json_scan_is_empty(&decoder->scan, ']')) {
        raw_reading_fault(reading, "value", form);
        return true;
    }
    if (!read_plain(decoder, reading) || !json_scan_next(&decoder->scan, ']', &has_more))
        return false;
    if (!has_more)
        return true;
    if (json_scan_peek(&decoder->scan) != '"')
        return json_scan_fail(&decoder->scan, form);
    if (!json_scan_text(&decoder->scan, &unit))
        return false;
    reading->unit = unit.length > 0 ? unit.bytes : NULL;
    reading->unit_length = unit.length;
    return json_scan_take(&decoder->scan, ']', form);
}

static bool read_value(struct value_decoder *decoder, struct raw_reading *reading)
{
    if (decoder->takes_unit && json_scan_peek(&decoder->scan) == '[')
        return read_with_unit(decoder, reading);
    return read_plain(decoder, reading);
}

/* ---- an object of them ---- */
static bool name_sensor(struct value_decoder *decoder, struct raw_reading *reading, const struct json_text *key)
{
    reading->sensor = key->bytes;
    reading->sensor_length = key->length;
    if (decoder->prefix.length > 0) {
        char *joined = arena_printf(decoder->list.arena, "%.*s/%.*s", (int)decoder->prefix.length,
            decoder->prefix.bytes, (int)key->length, key->bytes);
        if (!joined) {
            decoder->scan.is_out_of_memory = true;
            return json_scan_fail(&decoder->scan, "no memory");
        }
        reading->sensor = joined;
        reading->sensor_length = strlen(joined);
    }
    if (key->length == 0)
        raw_reading_fault(reading, "sensor_id", "the sensor has no name");
    return true;
}

static void refuse_twice(struct value_decoder *decoder, size_t first)
{
    struct raw_reading *items = decoder->list.items, *last = &items[decoder->list.count - 1];
    if (decoder->list.count - first > MOST_COMPARED)
        return;
    for (struct raw_reading *other = items + first; other < last; other++)
        if (other->sensor_length == last->sensor_length &&
            memcmp(other->sensor, last->sensor, last->sensor_length) == 0)
            raw_reading_fault(last, "sensor_id", "the sensor is given twice");
}

bool value_decoder_object(struct value_decoder *decoder)
{
    size_t first = decoder->list.count;
    if (!json_scan_take(&decoder->scan, '{', "expected an object of sensors and values"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more) {
        struct json_text key;
        struct raw_reading *reading = raw_list_add(&decoder->list, &decoder->err);
        if (!reading || !json_scan_name(&decoder->scan, &key) || !name_sensor(decoder, reading, &key) ||
            !read_value(decoder, reading) || !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
        refuse_twice(decoder, first);
    }
    return true;
}

/* ---- values with a time ---- */
/* *out_has_time is false when it is none, which is a fault of the readings it is for. */
static bool read_time(struct value_decoder *decoder, bool *out_has_time, int64_t *out_us)
{
    struct json_text text;
    double number;
    if (json_scan_peek(&decoder->scan) == '"') {
        if (!json_scan_text(&decoder->scan, &text))
            return false;
        *out_has_time = time_text_parse(text.bytes, text.length, out_us);
        return true;
    }
    enum json_number found = json_scan_number(&decoder->scan, &number);
    *out_has_time = found == JSON_NUMBER && time_of_number(number, out_us);
    return found != JSON_NUMBER_NONE || json_scan_skip(&decoder->scan);
}

static void stamp(struct value_decoder *decoder, size_t first, bool has_time, int64_t us)
{
    for (size_t i = first; i < decoder->list.count; i++) {
        struct raw_reading *reading = &decoder->list.items[i];
        reading->has_time = has_time;
        reading->observed_at = has_time ? us : 0;
        if (!has_time)
            raw_reading_fault(
                reading, "timestamp", "the time is neither a number since 1970 nor RFC 3339 (2026-11-24T08:00:00Z)");
    }
}

/* ---- a record's own number ---- */
struct record {
    bool says_time, has_time, has_values, has_number;
    int64_t us;
    uint64_t number;
};

/* What is no number to count by is not followed, as other members are not. */
static bool read_record_number(struct value_decoder *decoder, struct record *record)
{
    double number;
    enum json_number found = json_scan_number(&decoder->scan, &number);
    record->has_number = found == JSON_NUMBER && sequence_number(number, &record->number);
    return found != JSON_NUMBER_NONE || json_scan_skip(&decoder->scan);
}

static bool put_mark(struct value_decoder *decoder, const struct record *record)
{
    const struct sequence_mark mark = { record->number, record->number, record->us, record->has_time };
    if (!record->has_number || sequence_marks_add(&decoder->marks, &mark))
        return true;
    decoder->scan.is_out_of_memory = true;
    return json_scan_fail(&decoder->scan, "no memory");
}

static bool read_record_member(
    struct value_decoder *decoder, const char *time_name, const char *values_name, struct record *record)
{
    struct json_text name;
    if (!json_scan_name(&decoder->scan, &name))
        return false;
    bool is_time = json_text_is(&name, time_name), is_values = json_text_is(&name, values_name);
    if ((is_time && record->says_time) || (is_values && record->has_values))
        return json_scan_fail(&decoder->scan, "a member is given twice");
    record->says_time = record->says_time || is_time;
    record->has_values = record->has_values || is_values;
    if (is_time)
        return read_time(decoder, &record->has_time, &record->us);
    if (is_values)
        return value_decoder_object(decoder);
    if (decoder->number_name && json_text_is(&name, decoder->number_name))
        return read_record_number(decoder, record);
    return json_scan_skip(&decoder->scan);
}

bool value_decoder_record(struct value_decoder *decoder, const char *time_name, const char *values_name)
{
    size_t first = decoder->list.count;
    struct record record = { 0 };
    if (!json_scan_take(&decoder->scan, '{', "expected an object of a time and values"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more)
        if (!read_record_member(decoder, time_name, values_name, &record) ||
            !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
    if (!record.has_values)
        return json_scan_fail(&decoder->scan, "the values are missing");
    if (record.says_time)
        stamp(decoder, first, record.has_time, record.us);
    return put_mark(decoder, &record);
}

/* ---- a bare number ---- */
bool codec_bare_decode(struct raw_readings *out_readings, struct arena *arena, const char *sensor, size_t sensor_length,
    const char *body, size_t size, struct err *err)
{
    struct value_decoder decoder = { .takes_unit = true };
    bool ok = value_decoder_begin(&decoder, arena, body, size);
    struct raw_reading *reading = ok ? raw_list_add(&decoder.list, &decoder.err) : NULL;
    if (reading) {
        reading->sensor = sensor;
        reading->sensor_length = sensor_length;
    }
    return value_decoder_end(&decoder, reading && read_value(&decoder, reading), "bare", out_readings, err);
}
