/* A media type, a line end, and any bytes as such a body of readings: refused, or readings whose texts lie in the body
 * or the arena. */
#include "ingest/body_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reading_check.h"
#include <string.h>

enum { ARENA_BYTES = 32 * 1024 * 1024, LONGEST_TYPE = 64 };

static void decode(const struct body_codec *codec, const char *body, size_t size)
{
    struct arena arena;
    struct raw_readings readings = { 0 };
    struct err err = { 0 };
    arena_init(&arena, ARENA_BYTES);
    bool is_read = codec->decode(&readings, &arena, body, size, 0, &err);
    check_readings(is_read, &readings, &err);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *line_end = memchr(text, '\n', size < LONGEST_TYPE ? size : LONGEST_TYPE);
    char type[LONGEST_TYPE + 1] = { 0 };
    if (!line_end)
        return 0;
    memcpy(type, text, (size_t)(line_end - text));
    const struct body_codec *codec = body_codec_find(type);
    if (codec)
        decode(codec, line_end + 1, size - (size_t)(line_end + 1 - text));
    return 0;
}
