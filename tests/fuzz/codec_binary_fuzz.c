/* A profile, a NUL, and any bytes as a payload of it; without a NUL all of it as Cayenne LPP: refused, or readings
 * whose texts lie in the arena. */
#include "ingest/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reading_check.h"
#include <string.h>

#define NOW INT64_C(1795507200000000)
enum { ARENA_BYTES = 32 * 1024 * 1024 };

static bool decode(
    struct raw_readings *out_readings, struct arena *arena, const char *data, size_t size, struct err *err)
{
    struct payload_profile profile;
    const char *nul = memchr(data, '\0', size);
    if (!nul)
        return codec_cayenne_decode(out_readings, arena, "L", data, size, err);
    size_t length = (size_t)(nul - data);
    return payload_profile_parse(&profile, arena, data, length, err) &&
           codec_binary_decode(out_readings, arena, &profile, "L", nul + 1, size - length - 1, NOW, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct raw_readings readings = { 0 };
    struct err err = { 0 };
    if (size == 0)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    bool is_read = decode(&readings, &arena, (const char *)data, size, &err);
    check_readings(is_read, &readings, &err);
    arena_done(&arena);
    return 0;
}
