/* Any bytes as lines of InfluxDB's protocol: readings or faults, whose texts lie in the body or the arena. */
#include "ingest/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reading_check.h"

enum { ARENA_BYTES = 32 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct raw_readings readings = { 0 };
    struct err err = { 0 };
    arena_init(&arena, ARENA_BYTES);
    bool is_read = codec_influx_decode(&readings, &arena, (const char *)data, size, 1, &err);
    check_readings(is_read, &readings, &err);
    arena_done(&arena);
    return 0;
}
