/* Idempotency keys of the last day and the bodies they came with: the same key with another body is a mistake that the
 * device should hear of. Of this process only, and bounded: of two keys that meet in one place the later has it. That
 * nothing is stored twice does not rest on it. Any thread. */
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
/* Whether the key is known to have come with another body. */
MUST_CHECK bool repeat_memory_contradicts(struct repeat_memory *memory, const struct repeat *repeat, int64_t now_us);
/* The readings under this key were taken. */
void repeat_memory_note(struct repeat_memory *memory, const struct repeat *repeat, int64_t now_us);
