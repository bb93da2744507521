#include "ingest/codec.h"
#include "ingest/raw_list.h"
#include "ingest/time_rule.h"
#include <assert.h>
#include <math.h>
#include <string.h>

struct decoder {
    const unsigned char *body;
    size_t bit_count;
    const char *device_code;
    const struct payload_profile *profile;
    struct raw_list list;
    int64_t received_at;
    /* of the whole payload */
    bool has_time;
    double seconds;
    uint32_t status;
    struct err *err;
};

static bool is_within(const struct decoder *decoder, uint64_t first_bit, uint32_t bits)
{
    return first_bit + bits <= decoder->bit_count;
}

static uint64_t first_bit_of(const struct payload_field *field, uint32_t index)
{
    return (uint64_t)field->at * 8 + field->bit + (uint64_t)index * field->stride;
}

/* Big-endian counts bits from the high end of each byte, little-endian from the low end, as those who pack them do. */
static uint64_t take_bits(const unsigned char *body, uint64_t first_bit, uint32_t bits, bool is_little)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bits; i++) {
        uint64_t place = first_bit + i;
        unsigned byte = body[place / 8];
        uint64_t bit = is_little ? byte >> (place % 8) & 1u : byte >> (7 - place % 8) & 1u;
        value |= is_little ? bit << i : bit << (bits - 1 - i);
    }
    return value;
}

static double number_of(const struct payload_field *field, uint64_t raw)
{
    double wide;
    float narrow;
    uint32_t low = (uint32_t)raw;
    if (field->type == PAYLOAD_UINT)
        return (double)raw;
    if (field->type == PAYLOAD_INT) {
        assert(field->bits >= 1 && field->bits <= 64); /* the profile was checked when it was read */
        unsigned unused = 64 - field->bits;
        return (double)((int64_t)(raw << unused) >> unused);
    }
    if (field->bits == 64) {
        memcpy(&wide, &raw, sizeof wide);
        return wide;
    }
    memcpy(&narrow, &low, sizeof narrow);
    return (double)narrow;
}

static bool take_number(
    const struct decoder *decoder, const struct payload_field *field, uint32_t index, uint64_t *out_raw, double *out)
{
    uint64_t first_bit = first_bit_of(field, index);
    if (!is_within(decoder, first_bit, field->bits))
        return false;
    *out_raw = take_bits(decoder->body, first_bit, field->bits, field->is_little);
    *out = number_of(field, *out_raw);
    return true;
}

static bool refuse_short(const struct decoder *decoder, const struct payload_field *field)
{
    return err_set(decoder->err, ERR_INPUT, "the payload ends before the field at byte %u of the device's profile",
        (unsigned)field->at);
}

/* ---- what holds for all values: times and status ---- */
static void note_status(struct decoder *decoder, const struct payload_field *field, uint64_t raw)
{
    for (size_t i = 0; i < field->flag_count; i++)
        if ((raw & field->flags[i].mask) == field->flags[i].mask) {
            decoder->status = field->flags[i].status;
            return;
        }
}

static bool read_common(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->profile->field_count; i++) {
        const struct payload_field *field = &decoder->profile->fields[i];
        uint64_t raw;
        double number;
        if (field->role == PAYLOAD_VALUE)
            continue;
        if (!take_number(decoder, field, 0, &raw, &number))
            return refuse_short(decoder, field);
        if (field->role == PAYLOAD_STATUS) {
            note_status(decoder, field, raw);
            continue;
        }
        number = number * field->scale + field->add;
        decoder->has_time = true;
        decoder->seconds = field->role == PAYLOAD_AGE ? (double)decoder->received_at / 1e6 - number
                                                      : number + field->epoch_s - field->utc_offset_s;
    }
    return true;
}

/* ---- values ---- */
static const char *sensor_of(struct decoder *decoder, const struct payload_field *field)
{
    if (field->sensor[0] != '/')
        return field->sensor;
    return arena_printf(decoder->list.arena, "%s%s", decoder->device_code, field->sensor);
}

static bool is_invalid(const struct payload_field *field, double number)
{
    for (size_t i = 0; i < field->invalid_count; i++)
        if (number == field->invalid[i])
            return true;
    return false;
}

/* Without a time of the payload's own a row of values ends at its arrival. */
static void give_time(
    const struct decoder *decoder, const struct payload_field *field, uint32_t index, struct raw_reading *reading)
{
    bool is_row = field->count != 1 && field->step_s != 0;
    double seconds = decoder->has_time ? decoder->seconds : (double)decoder->received_at / 1e6;
    if (!decoder->has_time && !is_row)
        return;
    reading->has_time = time_of_seconds(seconds + (double)index * field->step_s, &reading->observed_at);
    if (!reading->has_time)
        raw_reading_fault(reading, "timestamp", "the time is no number of seconds since 1970");
}

static bool add(
    struct decoder *decoder, const struct payload_field *field, const char *sensor, uint32_t index, double number)
{
    struct raw_reading *reading = raw_list_add(&decoder->list, decoder->err);
    if (!reading)
        return false;
    reading->sensor = sensor;
    reading->sensor_length = strlen(sensor);
    reading->unit = field->unit;
    reading->unit_length = field->unit ? strlen(field->unit) : 0;
    reading->status = decoder->status;
    reading->value = number * field->scale + field->add;
    if (!isfinite(reading->value))
        raw_reading_fault(reading, "value", "value is not a finite number");
    give_time(decoder, field, index, reading);
    return true;
}

static bool read_values(struct decoder *decoder, const struct payload_field *field)
{
    const char *sensor = sensor_of(decoder, field);
    uint64_t raw;
    double number;
    if (!sensor)
        return err_set(decoder->err, ERR_LIMIT, "no memory left for the sensors' names");
    for (uint32_t i = 0; field->count == 0 || i < field->count; i++) {
        if (!take_number(decoder, field, i, &raw, &number))
            return field->count == 0 || refuse_short(decoder, field);
        if (!is_invalid(field, number) && !add(decoder, field, sensor, i, number))
            return false;
    }
    return true;
}

bool codec_binary_decode(struct raw_readings *out_readings, struct arena *arena, const struct payload_profile *profile,
    const char *device_code, const void *body, size_t size, int64_t received_at_us, struct err *err)
{
    struct decoder decoder = { .body = body,
        .bit_count = size * 8,
        .device_code = device_code,
        .profile = profile,
        .list = { .arena = arena },
        .received_at = received_at_us,
        .err = err };
    if (profile->format == PAYLOAD_CAYENNE)
        return codec_cayenne_decode(out_readings, arena, device_code, body, size, err);
    if (!read_common(&decoder))
        return false;
    for (size_t i = 0; i < profile->field_count; i++)
        if (profile->fields[i].role == PAYLOAD_VALUE && !read_values(&decoder, &profile->fields[i]))
            return false;
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "binary" };
    return true;
}
