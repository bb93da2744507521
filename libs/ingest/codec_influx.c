#include "base/number.h"
#include "base/text.h"
#include "ingest/codec.h"
#include "ingest/raw_list.h"
#include <string.h>

/* measurement[,tag=value...] field=value[,field=value...] [time]: a line a point, a reading a field. */
enum { USUAL_POINT_BYTES = 48, LONGEST_TIME = 20 };

struct text {
    const char *bytes;
    size_t length;
};
struct decoder {
    const char *at, *end; /* of the line that is read */
    size_t line_number;
    struct raw_list list;
    int64_t unit_ns;
    struct text measurement, sensor, unit; /* of the point; sensor and unit: tags, length 0: none */
    const char *problem;
    struct err *err;
};

static bool fail(struct decoder *decoder, const char *problem)
{
    decoder->problem = problem;
    return false;
}

static bool out_of_memory(struct decoder *decoder)
{
    return err_set(decoder->err, ERR_LIMIT, "the names do not fit into the memory of one request");
}

/* Up to one of the ends that is not escaped; a backslash before one of `escapable` is dropped. */
static bool read_name(struct decoder *decoder, const char *ends, const char *escapable, struct text *out_text)
{
    const char *start = decoder->at;
    bool has_escapes = false;
    while (decoder->at < decoder->end && !strchr(ends, *decoder->at)) {
        bool is_escape = *decoder->at == '\\' && decoder->at + 1 < decoder->end && decoder->at[1] != '\0' &&
                         strchr(escapable, decoder->at[1]);
        has_escapes = has_escapes || is_escape;
        decoder->at += is_escape ? 2 : 1;
    }
    *out_text = (struct text){ start, (size_t)(decoder->at - start) };
    if (!has_escapes)
        return true;
    char *plain = arena_alloc(decoder->list.arena, out_text->length);
    if (!plain)
        return out_of_memory(decoder);
    size_t length = 0;
    for (const char *from = start; from < decoder->at; from++) {
        from += *from == '\\' && from + 1 < decoder->at && strchr(escapable, from[1]);
        plain[length++] = *from;
    }
    *out_text = (struct text){ plain, length };
    return true;
}

static bool text_is(const struct text *text, const char *wanted)
{
    return text->length == strlen(wanted) && memcmp(text->bytes, wanted, text->length) == 0;
}

static bool take(struct decoder *decoder, char c)
{
    bool is_there = decoder->at < decoder->end && *decoder->at == c;
    decoder->at += is_there;
    return is_there;
}

/* ---- the point's own part ---- */
static bool read_tag(struct decoder *decoder)
{
    struct text key, value;
    if (!read_name(decoder, ",= ", ",= ", &key))
        return false;
    if (key.length == 0 || !take(decoder, '='))
        return fail(decoder, "a tag is name=value");
    if (!read_name(decoder, ",= ", ",= ", &value))
        return false;
    if (value.length == 0)
        return fail(decoder, "a tag's value is empty");
    if (text_is(&key, "sensor_id") || (text_is(&key, "sensor") && decoder->sensor.length == 0))
        decoder->sensor = value;
    else if (text_is(&key, "unit"))
        decoder->unit = value;
    return true;
}

static bool read_point(struct decoder *decoder)
{
    decoder->sensor = decoder->unit = (struct text){ 0 };
    if (!read_name(decoder, ", ", ", ", &decoder->measurement))
        return false;
    if (decoder->measurement.length == 0)
        return fail(decoder, "the measurement has no name");
    while (take(decoder, ','))
        if (!read_tag(decoder))
            return false;
    return take(decoder, ' ') || fail(decoder, "the fields are missing");
}

/* ---- fields ---- */
static bool is_flag(const struct text *text, bool *out_flag)
{
    static const char *const words[2][5] = { { "f", "F", "false", "False", "FALSE" },
        { "t", "T", "true", "True", "TRUE" } };
    for (size_t i = 0; i < 2 * COUNT_OF(words[0]); i++)
        if (text_is(text, words[i & 1][i / 2])) {
            *out_flag = i & 1;
            return true;
        }
    return false;
}

/* A text within quotes: passed over, for texts are not stored. */
static bool skip_quoted(struct decoder *decoder, struct raw_reading *reading)
{
    for (decoder->at++; decoder->at < decoder->end && *decoder->at != '"'; decoder->at++)
        decoder->at += *decoder->at == '\\' && decoder->at + 1 < decoder->end;
    raw_reading_fault(reading, "value", "texts are not stored: send a number");
    return take(decoder, '"') || fail(decoder, "a text does not end");
}

static bool read_number(struct decoder *decoder, struct text text, struct raw_reading *reading)
{
    int64_t whole;
    char last = text.bytes[text.length - 1];
    if (last == 'i' || last == 'u') {
        if (!number_parse_int(text.bytes, text.length - 1, &whole) || (last == 'u' && whole < 0))
            return fail(decoder, "a value ending in i or u is a whole number");
        reading->value = (double)whole;
        return true;
    }
    return number_parse(text.bytes, text.length, &reading->value) == text.length ||
           fail(decoder, "a value is no number: 12.5, 12i, 12u, true or \"a text\"");
}

static bool read_value(struct decoder *decoder, struct raw_reading *reading)
{
    bool flag;
    if (decoder->at < decoder->end && *decoder->at == '"')
        return skip_quoted(decoder, reading);
    struct text text = { decoder->at, 0 };
    while (decoder->at < decoder->end && *decoder->at != ',' && *decoder->at != ' ')
        decoder->at++;
    text.length = (size_t)(decoder->at - text.bytes);
    if (text.length == 0)
        return fail(decoder, "a field has no value");
    if (!is_flag(&text, &flag))
        return read_number(decoder, text, reading);
    reading->value = flag;
    return true;
}

/* "value" is the sensor itself, any other field stands behind it. */
static bool name_sensor(struct decoder *decoder, struct raw_reading *reading, const struct text *field)
{
    struct text base = decoder->sensor.length > 0 ? decoder->sensor : decoder->measurement;
    reading->unit = decoder->unit.length > 0 ? decoder->unit.bytes : NULL;
    reading->unit_length = decoder->unit.length;
    reading->sensor = base.bytes;
    reading->sensor_length = base.length;
    if (text_is(field, "value"))
        return true;
    char *joined = arena_alloc(decoder->list.arena, base.length + 1 + field->length);
    if (!joined)
        return out_of_memory(decoder);
    memcpy(joined, base.bytes, base.length);
    joined[base.length] = '/';
    memcpy(joined + base.length + 1, field->bytes, field->length);
    reading->sensor = joined;
    reading->sensor_length = base.length + 1 + field->length;
    return true;
}

static bool read_field(struct decoder *decoder)
{
    struct text key;
    struct raw_reading *reading = raw_list_add(&decoder->list, decoder->err);
    if (!reading || !read_name(decoder, ",= ", ",= ", &key))
        return false;
    if (key.length == 0 || !take(decoder, '='))
        return fail(decoder, "a field is name=value");
    return name_sensor(decoder, reading, &key) && read_value(decoder, reading);
}

/* ---- time ---- */
static bool read_time(struct decoder *decoder, size_t first)
{
    int64_t number, observed_at;
    while (take(decoder, ' '))
        ;
    size_t length = (size_t)(decoder->end - decoder->at);
    if (length == 0)
        return true;
    if (length > LONGEST_TIME || !number_parse_int(decoder->at, length, &number))
        return fail(decoder, "the time is no whole number");
    if (decoder->unit_ns >= 1000 ? __builtin_mul_overflow(number, decoder->unit_ns / 1000, &observed_at)
                                 : (observed_at = number / 1000, false))
        return fail(decoder, "the time is too large: check the precision");
    for (size_t i = first; i < decoder->list.count; i++) {
        decoder->list.items[i].has_time = true;
        decoder->list.items[i].observed_at = observed_at;
    }
    return true;
}

/* ---- lines ---- */
static bool read_line(struct decoder *decoder)
{
    size_t first = decoder->list.count;
    if (!text_is_utf8(decoder->at, (size_t)(decoder->end - decoder->at)) ||
        memchr(decoder->at, '\0', (size_t)(decoder->end - decoder->at)))
        return fail(decoder, "the line is no UTF-8");
    if (!read_point(decoder))
        return false;
    do
        if (!read_field(decoder))
            return false;
    while (take(decoder, ','));
    return read_time(decoder, first);
}

/* A line that is wrong is one reading at fault, whatever of it was read before; the next line begins anew. */
static bool refuse_line(struct decoder *decoder, size_t first)
{
    if (decoder->list.count > first)
        memset(decoder->list.items + first, 0, (decoder->list.count - first) * sizeof *decoder->list.items);
    decoder->list.count = first;
    const char *fault = arena_printf(decoder->list.arena, "line %zu: %s", decoder->line_number, decoder->problem);
    struct raw_reading *reading = raw_list_add(&decoder->list, decoder->err);
    if (reading)
        raw_reading_fault(reading, NULL, fault ? fault : decoder->problem);
    return reading != NULL;
}

static bool take_line(struct decoder *decoder, const char *line, size_t length)
{
    size_t first = decoder->list.count;
    decoder->line_number++;
    while (length > 0 && strchr(" \t\r", line[length - 1]) && line[length - 1] != '\0')
        length--;
    while (length > 0 && (*line == ' ' || *line == '\t'))
        line++, length--;
    if (length == 0 || *line == '#')
        return true;
    decoder->at = line;
    decoder->end = line + length;
    decoder->problem = NULL;
    if (read_line(decoder))
        return true;
    if (!decoder->problem)
        return false;
    return refuse_line(decoder, first);
}

bool codec_influx_unit(const char *precision, int64_t *out_unit_ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = { { "ns", 1 }, { "n", 1 }, { "us", 1000 }, { "u", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
        { "m", 60000000000 }, { "h", 3600000000000 } };
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcmp(units[i].name, precision) == 0) {
            *out_unit_ns = units[i].ns;
            return true;
        }
    return false;
}

bool codec_influx_decode(struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size,
    int64_t unit_ns, struct err *err)
{
    struct decoder decoder = {
        .list = { .arena = arena, .first_capacity = size / USUAL_POINT_BYTES }, .unit_ns = unit_ns, .err = err
    };
    const char *at = body, *end = body + size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);
        if (!take_line(&decoder, at, length))
            return false;
        at += length + (line_end != NULL);
    }
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "influx" };
    return true;
}
