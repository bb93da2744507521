#include "base/time_text.h"
#include "ingest/codec.h"
#include "ingest/json_scan.h"
#include "ingest/raw_list.h"
#include "ingest/time_rule.h"
#include <math.h>
#include <string.h>

/* With its time, and without a space too many. A guess that fits saves the copying that growth takes. */
enum { USUAL_READING_BYTES = 80 };

/* What a member is about; also its bit in the set of those seen. */
enum member { MEMBER_SENSOR, MEMBER_VALUE, MEMBER_UNIT, MEMBER_TIME, MEMBER_STATUS, MEMBER_READINGS, MEMBER_OTHER };
static const struct {
    const char *name;
    const char *twice;
} members[] = {
    [MEMBER_SENSOR] = { "sensor_id", "sensor_id is given twice" },
    [MEMBER_VALUE] = { "value", "value is given twice" },
    [MEMBER_UNIT] = { "unit", "unit is given twice" },
    [MEMBER_TIME] = { "timestamp", "the time is given twice" },
    [MEMBER_STATUS] = { "status", "status is given twice" },
};

struct decoder {
    struct json_scan scan;
    struct raw_list list;
    struct err *err;
};

static bool is(const struct json_text *name, const char *text)
{
    return memcmp(name->bytes, text, name->length) == 0;
}

static enum member member_of(const struct json_text *name)
{
    switch (name->length) {
    case 4:
        return is(name, "unit") ? MEMBER_UNIT : is(name, "time") ? MEMBER_TIME : MEMBER_OTHER;
    case 5:
        return is(name, "value") ? MEMBER_VALUE : MEMBER_OTHER;
    case 6:
        return is(name, "sensor") ? MEMBER_SENSOR : is(name, "status") ? MEMBER_STATUS : MEMBER_OTHER;
    case 7:
        return is(name, "quality") ? MEMBER_STATUS : MEMBER_OTHER;
    case 8:
        return is(name, "readings") ? MEMBER_READINGS : MEMBER_OTHER;
    case 9:
        return is(name, "sensor_id") ? MEMBER_SENSOR : is(name, "timestamp") ? MEMBER_TIME : MEMBER_OTHER;
    case 11:
        return is(name, "observed_at") ? MEMBER_TIME : MEMBER_OTHER;
    default:
        return MEMBER_OTHER;
    }
}

/* The value is of another type than wanted: it is passed over, and only this reading is refused. */
static bool fault_and_skip(struct decoder *decoder, struct raw_reading *reading, enum member member, const char *fault)
{
    raw_reading_fault(reading, members[member].name, fault);
    return json_scan_skip(&decoder->scan);
}

static bool read_sensor(struct decoder *decoder, struct raw_reading *reading)
{
    struct json_text text;
    if (json_scan_peek(&decoder->scan) != '"')
        return fault_and_skip(decoder, reading, MEMBER_SENSOR, "sensor_id is not a text");
    if (!json_scan_text(&decoder->scan, &text))
        return false;
    reading->sensor = text.bytes;
    reading->sensor_length = text.length;
    return true;
}

static bool read_value(struct decoder *decoder, struct raw_reading *reading)
{
    if (json_scan_peek(&decoder->scan) == '"')
        return fault_and_skip(decoder, reading, MEMBER_VALUE, "value is a text, not a number: leave the quotes out");
    switch (json_scan_number(&decoder->scan, &reading->value)) {
    case JSON_NUMBER:
        return true;
    case JSON_NUMBER_NOT_FINITE:
        raw_reading_fault(reading, members[MEMBER_VALUE].name, "value is not a finite number");
        return true;
    case JSON_NUMBER_NONE:
        break;
    }
    return fault_and_skip(decoder, reading, MEMBER_VALUE, "value is not a number");
}

static bool read_unit(struct decoder *decoder, struct raw_reading *reading)
{
    struct json_text text;
    if (json_scan_word(&decoder->scan, "null"))
        return true;
    if (json_scan_peek(&decoder->scan) != '"')
        return fault_and_skip(decoder, reading, MEMBER_UNIT, "unit is not a text");
    if (!json_scan_text(&decoder->scan, &text))
        return false;
    reading->unit = text.length > 0 ? text.bytes : NULL;
    reading->unit_length = text.length;
    return true;
}

static bool read_time(struct decoder *decoder, struct raw_reading *reading)
{
    static const char no_time[] = "the time is neither RFC 3339 (2026-11-24T08:00:00Z) nor milliseconds since 1970";
    struct json_text text;
    double number;
    if (json_scan_word(&decoder->scan, "null"))
        return true;
    if (json_scan_peek(&decoder->scan) == '"') {
        if (!json_scan_text(&decoder->scan, &text))
            return false;
        reading->has_time = time_text_parse(text.bytes, text.length, &reading->observed_at);
    } else {
        enum json_number found = json_scan_number(&decoder->scan, &number);
        if (found == JSON_NUMBER_NONE)
            return fault_and_skip(decoder, reading, MEMBER_TIME, no_time);
        reading->has_time = found == JSON_NUMBER && time_of_number(number, &reading->observed_at);
    }
    if (!reading->has_time)
        raw_reading_fault(reading, members[MEMBER_TIME].name, no_time);
    return true;
}

static bool read_status(struct decoder *decoder, struct raw_reading *reading)
{
    static const char no_status[] = "status is not a whole number from 0 to 4294967295";
    double number = 0;
    if (json_scan_word(&decoder->scan, "null"))
        return true;
    enum json_number found = json_scan_number(&decoder->scan, &number);
    if (found == JSON_NUMBER_NONE)
        return fault_and_skip(decoder, reading, MEMBER_STATUS, no_status);
    if (found == JSON_NUMBER && number >= 0 && number <= UINT32_MAX && number == floor(number))
        reading->status = (uint32_t)number;
    else
        raw_reading_fault(reading, members[MEMBER_STATUS].name, no_status);
    return true;
}

static bool read_member(struct decoder *decoder, enum member member, struct raw_reading *reading)
{
    switch (member) {
    case MEMBER_SENSOR:
        return read_sensor(decoder, reading);
    case MEMBER_VALUE:
        return read_value(decoder, reading);
    case MEMBER_UNIT:
        return read_unit(decoder, reading);
    case MEMBER_TIME:
        return read_time(decoder, reading);
    case MEMBER_STATUS:
        return read_status(decoder, reading);
    case MEMBER_READINGS:
    case MEMBER_OTHER:
        break;
    }
    return json_scan_skip(&decoder->scan);
}

static void check_complete(struct raw_reading *reading, unsigned seen)
{
    if (reading->sensor_length == 0)
        raw_reading_fault(reading, members[MEMBER_SENSOR].name, "sensor_id is missing");
    if (!(seen & 1u << MEMBER_VALUE))
        raw_reading_fault(reading, members[MEMBER_VALUE].name, "value is missing");
}

/* After the opening brace. A name that comes twice is read differently by different readers of JSON, so it is refused.
 */
static bool read_reading(struct decoder *decoder, struct raw_reading *reading)
{
    unsigned seen = 0;
    bool has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more) {
        struct json_text name;
        if (!json_scan_name(&decoder->scan, &name))
            return false;
        enum member member = member_of(&name);
        if (member < COUNT_OF(members) && seen & 1u << member)
            raw_reading_fault(reading, members[member].name, members[member].twice);
        seen |= 1u << member;
        if (!read_member(decoder, member, reading) || !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
    }
    check_complete(reading, seen);
    return true;
}

static bool read_item(struct decoder *decoder)
{
    struct raw_reading *reading = raw_list_add(&decoder->list, decoder->err);
    if (!reading)
        return false;
    if (json_scan_peek(&decoder->scan) != '{') {
        raw_reading_fault(reading, NULL, "a reading is an object: {\"sensor_id\": ..., \"value\": ...}");
        return json_scan_skip(&decoder->scan);
    }
    decoder->scan.at++;
    return read_reading(decoder, reading);
}

static bool read_list(struct decoder *decoder)
{
    if (!json_scan_take(&decoder->scan, '[', "readings is not a list"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, ']');
    while (has_more)
        if (!read_item(decoder) || !json_scan_next(&decoder->scan, ']', &has_more))
            return false;
    return true;
}

/* {"readings": [...]}: whatever stands beside it is not for us, but a reading of its own there would be lost. */
static bool read_wrapper(struct decoder *decoder)
{
    bool has_list = false, has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more) {
        struct json_text name;
        if (!json_scan_name(&decoder->scan, &name))
            return false;
        enum member member = member_of(&name);
        if (member == MEMBER_SENSOR || member == MEMBER_VALUE)
            return json_scan_fail(&decoder->scan, "either one reading or a list of readings, not both");
        if (member == MEMBER_READINGS && has_list)
            return json_scan_fail(&decoder->scan, "readings is given twice");
        has_list = has_list || member == MEMBER_READINGS;
        if (!(member == MEMBER_READINGS ? read_list(decoder) : json_scan_skip(&decoder->scan)) ||
            !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
    }
    return true;
}

/* Which of the two an outermost object is shows only further on: a first walk over its own members says. */
static bool is_wrapper(struct decoder *decoder)
{
    struct json_scan ahead = decoder->scan;
    struct json_text name;
    bool has_more = !json_scan_is_empty(&ahead, '}');
    while (has_more) {
        if (!json_scan_name(&ahead, &name))
            return false;
        if (member_of(&name) == MEMBER_READINGS)
            return true;
        if (!json_scan_skip(&ahead) || !json_scan_next(&ahead, '}', &has_more))
            return false;
    }
    return false;
}

static bool read_body(struct decoder *decoder)
{
    char first = json_scan_peek(&decoder->scan);
    if (first == '[')
        return read_list(decoder);
    if (first != '{')
        return json_scan_fail(&decoder->scan, "expected a list of readings, or one reading");
    decoder->scan.at++;
    if (is_wrapper(decoder))
        return read_wrapper(decoder);
    struct raw_reading *reading = raw_list_add(&decoder->list, decoder->err);
    return reading && read_reading(decoder, reading);
}

/* A line that is broken is that reading's fault alone: the next line begins anew. */
static bool read_line(struct decoder *decoder, const char *line, size_t length)
{
    size_t count = decoder->list.count;
    if (!json_scan_begin(&decoder->scan, decoder->list.arena, line, length))
        return true; /* blank */
    if (read_item(decoder) && json_scan_end(&decoder->scan))
        return true;
    if (decoder->scan.is_out_of_memory || decoder->list.count == count)
        return false;
    decoder->list.items[count].fault_field = NULL;
    decoder->list.items[count].fault = decoder->scan.problem;
    return true;
}

bool codec_ndjson_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct decoder decoder = { .list = { .arena = arena, .first_capacity = size / USUAL_READING_BYTES }, .err = err };
    const char *at = body, *end = body + size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);
        if (!read_line(&decoder, at, length))
            return err->kind == ERR_NONE ? json_scan_err(&decoder.scan, err) : false;
        at += length + (line_end != NULL);
    }
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "ndjson" };
    return true;
}

bool codec_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct err limit = { 0 };
    struct decoder decoder = { .list = { .arena = arena, .first_capacity = size / USUAL_READING_BYTES },
        .err = &limit };
    if (!json_scan_begin(&decoder.scan, arena, body, size) || !read_body(&decoder) || !json_scan_end(&decoder.scan))
        return limit.kind == ERR_NONE ? json_scan_err(&decoder.scan, err) : err_set(err, limit.kind, "%s", limit.text);
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "json" };
    return true;
}
