/* The same messages as lines of JSON, as README.md describes them: for loggers that are programmed by hand, and for
 * people. No I/O. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "message.h"

/* The first line of bytes; texts point into bytes or the arena. Empty lines are passed over with the one after. */
enum reading_outcome line_read(struct arena *arena, const char *bytes, size_t size, size_t most,
    struct incoming *out_message, size_t *out_size, struct fault *out_fault);
void line_write(struct buffer *out, const struct outgoing *message);
