/* Any bytes as readings in the compact form, in ThingsBoard's, as a bare number; the first byte says which. */
#include "ingest/codec.h"
#include "tests/fuzz/fuzz.h"
#include <math.h>
#include <stdlib.h>

enum { ARENA_BYTES = 32 * 1024 * 1024 };

static bool decode_bare(struct raw_readings *out, struct arena *arena, const char *body, size_t size, struct err *err)
{
    return codec_bare_decode(out, arena, "P1", 2, body, size, err);
}
static bool (*const decoders[])(
    struct raw_readings *, struct arena *, const char *, size_t, struct err *) = { codec_device_json_decode,
    codec_compact_json_decode, codec_thingsboard_json_decode, codec_thingsboard_gateway_decode, decode_bare };

static void check(const struct raw_reading *reading)
{
    volatile unsigned sum = 0;
    if (reading->fault)
        return;
    if (!reading->sensor || reading->sensor_length == 0 || !isfinite(reading->value))
        abort();
    for (size_t i = 0; i < reading->sensor_length; i++)
        sum += (unsigned char)reading->sensor[i];
    for (size_t i = 0; reading->unit && i < reading->unit_length; i++)
        sum += (unsigned char)reading->unit[i];
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct raw_readings readings = { 0 };
    struct err err = { 0 };
    if (size == 0)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    if (decoders[data[0] % COUNT_OF(decoders)](&readings, &arena, (const char *)data + 1, size - 1, &err)) {
        if (err.kind != ERR_NONE || readings.count > INTAKE_MOST_READINGS)
            abort();
        for (size_t i = 0; i < readings.count; i++)
            check(&readings.items[i]);
    } else if (err.kind != ERR_INPUT && err.kind != ERR_LIMIT) {
        abort();
    }
    arena_done(&arena);
    return 0;
}
