/* Bytes that grow up to a ceiling. The first failure sticks: write as much as needed, then look once at buffer_ok. */
#pragma once
#include "base/compiler.h"

struct buffer {
    char *data;  /* always followed by a NUL once anything was written */
    size_t size; /* without that NUL */
    size_t capacity;
    size_t ceiling_bytes; /* 0: BUFFER_DEFAULT_CEILING */
    bool failed;
};

enum { BUFFER_DEFAULT_CEILING = 64 * 1024 * 1024 };

void buffer_init(struct buffer *buffer, size_t ceiling_bytes);
void buffer_done(struct buffer *buffer);
/* Empties it, keeps the memory, forgets a failure. */
void buffer_reset(struct buffer *buffer);
/* False once the ceiling was reached or memory was out. */
MUST_CHECK bool buffer_ok(const struct buffer *buffer);

void buffer_put(struct buffer *buffer, const void *bytes, size_t size);
void buffer_put_text(struct buffer *buffer, const char *text);
void buffer_put_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* Room for size more bytes, to be filled by the caller and then claimed; NULL on failure. */
MUST_CHECK char *buffer_room(struct buffer *buffer, size_t size);
void buffer_claim(struct buffer *buffer, size_t size);
