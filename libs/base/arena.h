/* Memory that is given back all at once: one arena per worker, reset before each message. Not for sharing between
 * threads. Everything allocated is zeroed and aligned for any type. */
#pragma once
#include "base/compiler.h"
#include <stdarg.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used_bytes;    /* handed out since the last reset */
    size_t ceiling_bytes; /* never more than this at once    */
};

/* In place; allocates nothing yet. */
void arena_init(struct arena *arena, size_t ceiling_bytes);
void arena_done(struct arena *arena);
/* Gives everything back but keeps one chunk for the next message, of at most 256 KiB. */
void arena_reset(struct arena *arena);
/* The same with another limit, for those of whom there are many. */
void arena_reset_keeping(struct arena *arena, size_t most_bytes);

/* NULL when the ceiling is reached or memory is out: the caller answers ERR_LIMIT. */
MUST_CHECK void *arena_alloc(struct arena *arena, size_t size_bytes);
/* count * size_bytes, checked for overflow. */
MUST_CHECK void *arena_alloc_array(struct arena *arena, size_t count, size_t size_bytes);
MUST_CHECK char *arena_text(struct arena *arena, const char *text);
MUST_CHECK char *arena_text_n(struct arena *arena, const char *text, size_t length);
MUST_CHECK char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
