#include "ingest/codec.h"
#include "ingest/raw_list.h"
#include <assert.h>
#include <string.h>

/* Cayenne Low Power Payload: channel, type, value, again and again; all big-endian. The types are IPSO objects less
 * 3200; their sizes and scales as every decoder has them. */
enum { MOST_AXES = 3, TIME_TYPE = 133 };
struct axis {
    const char *suffix; /* "" for the only one */
    unsigned bytes;
    double divisor;
    const char *unit; /* UCUM; NULL: the sensor's own */
};
struct type {
    unsigned number;
    const char *name;
    bool is_signed;
    struct axis axes[MOST_AXES]; /* bytes 0: none */
};
static const struct type types[] = {
    { 0, "digital_in", false, { { "", 1, 1, "1" } } },
    { 1, "digital_out", false, { { "", 1, 1, "1" } } },
    { 2, "analog_in", true, { { "", 2, 100, NULL } } },
    { 3, "analog_out", true, { { "", 2, 100, NULL } } },
    { 100, "generic", false, { { "", 4, 1, NULL } } },
    { 101, "luminosity", false, { { "", 2, 1, NULL } } },
    { 102, "presence", false, { { "", 1, 1, "1" } } },
    { 103, "temperature", true, { { "", 2, 10, "Cel" } } },
    { 104, "relative_humidity", false, { { "", 1, 2, "%" } } },
    { 113, "accelerometer", true, { { "_x", 2, 1000, NULL }, { "_y", 2, 1000, NULL }, { "_z", 2, 1000, NULL } } },
    { 115, "barometric_pressure", false, { { "", 2, 10, "hPa" } } },
    { 116, "voltage", false, { { "", 2, 100, "V" } } },
    { 117, "current", false, { { "", 2, 1000, "A" } } },
    { 118, "frequency", false, { { "", 4, 1, "Hz" } } },
    { 120, "percentage", false, { { "", 1, 1, "%" } } },
    { 121, "altitude", true, { { "", 2, 1, "m" } } },
    { 125, "concentration", false, { { "", 2, 1, "[ppm]" } } },
    { 128, "power", false, { { "", 2, 1, "W" } } },
    { 130, "distance", false, { { "", 4, 1000, "m" } } },
    { 131, "energy", false, { { "", 4, 1000, "kW.h" } } },
    { 132, "direction", false, { { "", 2, 1, NULL } } },
    { TIME_TYPE, "unix_time", false, { { "", 4, 1, NULL } } },
    { 134, "gyrometer", true, { { "_x", 2, 100, NULL }, { "_y", 2, 100, NULL }, { "_z", 2, 100, NULL } } },
    { 135, "colour", false, { { "_r", 1, 1, NULL }, { "_g", 1, 1, NULL }, { "_b", 1, 1, NULL } } },
    { 136, "gps", true,
        { { "_latitude", 3, 10000, NULL }, { "_longitude", 3, 10000, NULL }, { "_altitude", 3, 100, "m" } } },
    { 142, "switch", false, { { "", 1, 1, "1" } } },
};

struct decoder {
    const unsigned char *start, *at, *end;
    const char *device_code;
    struct raw_list list;
    bool has_time;
    int64_t observed_at;
    struct err *err;
};

static const struct type *type_of(unsigned number)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].number == number)
            return &types[i];
    return NULL;
}

static bool is_cut(const struct decoder *decoder, const struct type *type)
{
    size_t size = 0;
    for (size_t i = 0; i < MOST_AXES; i++)
        size += type->axes[i].bytes;
    return (size_t)(decoder->end - decoder->at) < size;
}

/* One axis, big-endian; the sign is that of its own width. */
static double take_axis(struct decoder *decoder, const struct type *type, const struct axis *axis)
{
    int64_t value = 0;
    assert(axis->bytes >= 1 && axis->bytes <= 4);
    for (unsigned i = 0; i < axis->bytes; i++)
        value = value << 8 | *decoder->at++;
    if (type->is_signed && value >> (8 * axis->bytes - 1))
        value -= INT64_C(1) << (8 * axis->bytes);
    return (double)value / axis->divisor;
}

static bool add(struct decoder *decoder, unsigned channel, const struct type *type, const struct axis *axis)
{
    struct raw_reading *reading = raw_list_add(&decoder->list, decoder->err);
    if (!reading)
        return false;
    char *sensor =
        arena_printf(decoder->list.arena, "%s/%s_%u%s", decoder->device_code, type->name, channel, axis->suffix);
    if (!sensor)
        return err_set(decoder->err, ERR_LIMIT, "no memory left for the sensors' names");
    reading->sensor = sensor;
    reading->sensor_length = strlen(sensor);
    reading->unit = axis->unit;
    reading->unit_length = axis->unit ? strlen(axis->unit) : 0;
    reading->has_time = decoder->has_time;
    reading->observed_at = decoder->observed_at;
    reading->value = take_axis(decoder, type, axis);
    return true;
}

static bool refuse(const struct decoder *decoder, const char *problem)
{
    return err_set(decoder->err, ERR_INPUT, "at byte %zu: %s", (size_t)(decoder->at - decoder->start), problem);
}

static bool read_value(struct decoder *decoder)
{
    if (decoder->end - decoder->at < 2)
        return refuse(decoder, "the payload is cut off");
    unsigned channel = decoder->at[0], number = decoder->at[1];
    const struct type *type = type_of(number);
    if (!type)
        return refuse(decoder, "Cayenne LPP has no such type");
    decoder->at += 2;
    if (is_cut(decoder, type))
        return refuse(decoder, "the payload is cut off");
    if (number == TIME_TYPE) { /* of the values that follow */
        decoder->observed_at = (int64_t)take_axis(decoder, type, &type->axes[0]) * 1000000;
        decoder->has_time = true;
        return true;
    }
    for (size_t i = 0; i < MOST_AXES && type->axes[i].bytes > 0; i++)
        if (!add(decoder, channel, type, &type->axes[i]))
            return false;
    return true;
}

bool codec_cayenne_decode(struct raw_readings *out_readings, struct arena *arena, const char *device_code,
    const void *body, size_t size, struct err *err)
{
    struct decoder decoder = { .start = body,
        .at = body,
        .end = (const unsigned char *)body + size,
        .device_code = device_code,
        .list = { .arena = arena },
        .err = err };
    while (decoder.at < decoder.end)
        if (!read_value(&decoder))
            return false;
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "cayenne-lpp" };
    return true;
}
