/* What a fuzz target offers, to libFuzzer (BUILD=fuzz) or to replay.c (every other build). It must not crash, hang or
 * leak, whatever the bytes; a property that does not hold is an abort. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
