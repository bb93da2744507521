/* Any bytes as a body of readings in JSON: refused, or readings whose texts lie in the body or the arena. */
#include "ingest/codec.h"
#include "tests/fuzz/fuzz.h"
#include <math.h>
#include <stdlib.h>

enum { ARENA_BYTES = 32 * 1024 * 1024 };

/* Every byte of every text is looked at, so that one outside is seen. */
static unsigned sum_of(const char *text, size_t length)
{
    unsigned sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += (unsigned char)text[i];
    return sum;
}

static void check(const struct raw_reading *reading)
{
    if (reading->fault)
        return;
    if (!reading->sensor || reading->sensor_length == 0 || !isfinite(reading->value))
        abort();
    volatile unsigned sum = sum_of(reading->sensor, reading->sensor_length);
    if (reading->unit)
        sum += sum_of(reading->unit, reading->unit_length);
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct raw_readings readings = { 0 };
    struct err err = { 0 };
    arena_init(&arena, ARENA_BYTES);
    if (codec_json_decode(&readings, &arena, (const char *)data, size, &err)) {
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
