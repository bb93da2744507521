/* Idempotency keys of the last day and the bodies they came with: the same key with another body is a mistake that the
 * device should hear of, as it should when the first is still under way. Of this process only, and bounded: of two keys
 * that meet in one place the later has it. That nothing is stored twice does not rest on it. Any thread. */
#pragma once
#include "base/compiler.h"

struct repeat_memory;
/* NULL without memory. */
MUST_CHECK struct repeat_memory *repeat_memory_new(void);
void repeat_memory_free(struct repeat_memory *memory);
AUTO_DEFINE(repeat_memory, repeat_memory_free)
struct repeat {
    unsigned char key[32]; /* the digest of whose key it is */
    unsigned char body[32];
};
struct repeat repeat_of(const char *device_id, const char *idempotency_key, const void *body, size_t size);
enum repeat_outcome {
    REPEAT_MAY_GO,     /* repeat_memory_end follows */
    REPEAT_UNDER_WAY,  /* another request with the same key has begun and not ended */
    REPEAT_OTHER_BODY, /* the key is known to have come with another body */
};
MUST_CHECK enum repeat_outcome repeat_memory_begin(
    struct repeat_memory *memory, const struct repeat *repeat, int64_t now_us);
/* was_taken: the readings under this key; then the key is known for a day. */
void repeat_memory_end(struct repeat_memory *memory, const struct repeat *repeat, bool was_taken, int64_t now_us);
