#include "base/csv.h"
#include "base/number.h"
#include "base/time_text.h"
#include "ingest/codec.h"
#include "ingest/raw_list.h"
#include "ingest/time_rule.h"
#include <math.h>
#include <string.h>

/* Columns of a wide table are sensors: a whole district fits side by side. */
enum { MOST_COLUMNS = 4096, USUAL_READING_BYTES = 16 };
enum { NO_COLUMN = MOST_COLUMNS };

/* What a long table's columns mean. */
enum column { COLUMN_SENSOR, COLUMN_VALUE, COLUMN_UNIT, COLUMN_TIME, COLUMN_STATUS, COLUMNS };
static const struct {
    enum column column;
    const char *name;
} column_names[] = {
    { COLUMN_SENSOR, "sensor_id" },
    { COLUMN_SENSOR, "sensor" },
    { COLUMN_VALUE, "value" },
    { COLUMN_UNIT, "unit" },
    { COLUMN_TIME, "timestamp" },
    { COLUMN_TIME, "time" },
    { COLUMN_TIME, "observed_at" },
    { COLUMN_STATUS, "status" },
    { COLUMN_STATUS, "quality" },
};

struct decoder {
    struct csv_scan scan;
    struct csv_field *fields;
    size_t field_count;
    struct raw_list list;
    /* long */
    size_t place[COLUMNS];
    /* wide */
    struct csv_field *sensors, *units;
    size_t width;
};

static enum column column_of(const struct csv_field *field)
{
    for (size_t i = 0; i < COUNT_OF(column_names); i++)
        if (csv_field_is(field, column_names[i].name))
            return column_names[i].column;
    return COLUMNS;
}

/* ---- cells ---- */
static void read_value(struct raw_reading *reading, const struct csv_field *cell)
{
    struct csv_field text = csv_field_trim(*cell);
    if (text.length == 0)
        raw_reading_fault(reading, "value", "value is missing");
    else if (number_parse(text.bytes, text.length, &reading->value) != text.length)
        raw_reading_fault(reading, "value", "value is not a number with a decimal point");
}

static void read_time(struct raw_reading *reading, const struct csv_field *cell)
{
    struct csv_field text = csv_field_trim(*cell);
    double number;
    if (text.length == 0)
        return;
    bool is_number = number_parse(text.bytes, text.length, &number) == text.length;
    reading->has_time = is_number ? time_of_number(number, &reading->observed_at)
                                  : time_text_parse(text.bytes, text.length, &reading->observed_at);
    if (!reading->has_time)
        raw_reading_fault(
            reading, "timestamp", "the time is neither RFC 3339 (2026-11-24T08:00:00Z) nor milliseconds since 1970");
}

static void read_status(struct raw_reading *reading, const struct csv_field *cell)
{
    struct csv_field text = csv_field_trim(*cell);
    int64_t number = 0;
    if (text.length == 0)
        return;
    if (number_parse_int(text.bytes, text.length, &number) && number >= 0 && number <= UINT32_MAX)
        reading->status = (uint32_t)number;
    else
        raw_reading_fault(reading, "status", "status is not a whole number from 0 to 4294967295");
}

static void set_sensor(struct raw_reading *reading, struct csv_field sensor, struct csv_field unit)
{
    reading->sensor = sensor.bytes;
    reading->sensor_length = sensor.length;
    reading->unit = unit.length > 0 ? unit.bytes : NULL;
    reading->unit_length = unit.length;
    if (sensor.length == 0)
        raw_reading_fault(reading, "sensor_id", "sensor_id is missing");
}

/* ---- long: one reading a row ---- */
static struct csv_field cell_of(const struct decoder *decoder, enum column column)
{
    size_t place = decoder->place[column];
    return place < decoder->field_count ? decoder->fields[place] : (struct csv_field){ 0 };
}

static bool read_long_row(struct decoder *decoder, struct err *err)
{
    struct raw_reading *reading = raw_list_add(&decoder->list, err);
    if (!reading)
        return false;
    const struct csv_field value = cell_of(decoder, COLUMN_VALUE), time = cell_of(decoder, COLUMN_TIME),
                           status = cell_of(decoder, COLUMN_STATUS);
    set_sensor(reading, csv_field_trim(cell_of(decoder, COLUMN_SENSOR)), csv_field_trim(cell_of(decoder, COLUMN_UNIT)));
    read_value(reading, &value);
    read_time(reading, &time);
    read_status(reading, &status);
    return true;
}

static bool read_long_header(struct decoder *decoder, struct err *err)
{
    for (size_t i = 0; i < COLUMNS; i++)
        decoder->place[i] = NO_COLUMN;
    for (size_t i = 0; i < decoder->field_count; i++) {
        enum column column = column_of(&decoder->fields[i]);
        if (column == COLUMNS)
            continue;
        if (decoder->place[column] != NO_COLUMN)
            return err_set(err, ERR_INPUT, "line %zu: two columns mean the same", decoder->scan.line);
        decoder->place[column] = i;
    }
    return decoder->place[COLUMN_VALUE] != NO_COLUMN ||
           err_set(err, ERR_INPUT, "line %zu: a table with sensor_id needs a column value", decoder->scan.line);
}

/* ---- wide: one time a row ---- */
static bool read_wide_row(struct decoder *decoder, struct err *err)
{
    if (decoder->field_count > decoder->width)
        return err_set(err, ERR_INPUT, "line %zu: more cells than the header has columns", decoder->scan.line);
    for (size_t i = 1; i < decoder->field_count; i++) {
        if (csv_field_trim(decoder->fields[i]).length == 0)
            continue;
        struct raw_reading *reading = raw_list_add(&decoder->list, err);
        if (!reading)
            return false;
        set_sensor(reading, decoder->sensors[i], decoder->units[i]);
        read_value(reading, &decoder->fields[i]);
        read_time(reading, &decoder->fields[0]);
    }
    return true;
}

/* "SENSOR_001 [psi]" */
static void split_unit(struct csv_field name, struct csv_field *out_sensor, struct csv_field *out_unit)
{
    const char *open = name.length > 0 ? memchr(name.bytes, '[', name.length) : NULL;
    *out_unit = (struct csv_field){ 0 };
    if (open && name.bytes[name.length - 1] == ']') {
        const char *unit = open + 1;
        *out_unit = csv_field_trim((struct csv_field){ unit, (size_t)(name.bytes + name.length - 1 - unit) });
        name.length = (size_t)(open - name.bytes);
    }
    *out_sensor = csv_field_trim(name);
}

static bool read_wide_header(struct decoder *decoder, struct arena *arena, struct err *err)
{
    decoder->width = decoder->field_count;
    decoder->sensors = arena_alloc_array(arena, decoder->width, sizeof *decoder->sensors);
    decoder->units = arena_alloc_array(arena, decoder->width, sizeof *decoder->units);
    if (!decoder->sensors || !decoder->units)
        return err_set(err, ERR_LIMIT, "no memory left for the columns");
    for (size_t i = 1; i < decoder->width; i++) {
        split_unit(csv_field_trim(decoder->fields[i]), &decoder->sensors[i], &decoder->units[i]);
        if (decoder->sensors[i].length == 0)
            return err_set(err, ERR_INPUT, "line %zu: column %zu names no sensor", decoder->scan.line, i + 1);
    }
    return true;
}

/* ---- both ---- */
static bool is_long(const struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->field_count; i++)
        if (column_of(&decoder->fields[i]) == COLUMN_SENSOR)
            return true;
    return false;
}

static bool read_row(struct decoder *decoder, struct err *err)
{
    return csv_scan_row(&decoder->scan, decoder->fields, MOST_COLUMNS, &decoder->field_count, err);
}

static bool read_header(struct decoder *decoder, struct arena *arena, bool *out_is_long, struct err *err)
{
    if (!read_row(decoder, err))
        return false;
    if (decoder->field_count == 0)
        return err_set(err, ERR_INPUT, "the body is empty: begin with a header");
    *out_is_long = is_long(decoder);
    if (!*out_is_long && column_of(&decoder->fields[0]) != COLUMN_TIME)
        return err_set(err, ERR_INPUT, "line %zu: the header has neither a column sensor_id nor begins with timestamp",
            decoder->scan.line);
    return *out_is_long ? read_long_header(decoder, err) : read_wide_header(decoder, arena, err);
}

static bool read_rows(struct decoder *decoder, bool is_long_table, struct err *err)
{
    for (;;) {
        if (!read_row(decoder, err))
            return false;
        if (decoder->field_count == 0)
            return true;
        if (!(is_long_table ? read_long_row(decoder, err) : read_wide_row(decoder, err)))
            return false;
    }
}

bool codec_csv_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err)
{
    struct decoder decoder = { .list = { .arena = arena, .first_capacity = size / USUAL_READING_BYTES } };
    bool is_long_table = true;
    decoder.fields = arena_alloc_array(arena, MOST_COLUMNS, sizeof *decoder.fields);
    if (!decoder.fields)
        return err_set(err, ERR_LIMIT, "no memory left for the columns");
    csv_scan_begin(&decoder.scan, arena, body, size);
    if (!read_header(&decoder, arena, &is_long_table, err) || !read_rows(&decoder, is_long_table, err))
        return false;
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "csv" };
    return true;
}
