/* Any bytes as SenML CBOR and as the compact form in CBOR: refused, or readings whose texts lie in the body or the
 * arena. */
#include "ingest/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reading_check.h"

#define NOW INT64_C(1795507200000000)
enum { ARENA_BYTES = 32 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    for (int form = 0; form < 2; form++) {
        struct raw_readings readings = { 0 };
        struct err err = { 0 };
        bool is_read = form == 0 ? codec_senml_cbor_decode(&readings, &arena, (const char *)data, size, NOW, &err)
                                 : codec_compact_cbor_decode(&readings, &arena, (const char *)data, size, &err);
        check_readings(is_read, &readings, &err);
    }
    arena_done(&arena);
    return 0;
}
