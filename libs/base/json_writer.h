/* Writes JSON text into a buffer: commas, quotes and escapes are its business, pairing begin and end is the caller's.
 * Text that is not UTF-8 is written with U+FFFD in place of the bad bytes, so the output is always valid JSON.
 * A failure is the buffer's: look at buffer_ok at the end. */
#pragma once
#include "base/buffer.h"

struct json_writer {
    struct buffer *out;
    bool needs_comma;
};

void json_writer_init(struct json_writer *writer, struct buffer *out);
void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key);
void json_text(struct json_writer *writer, const char *text);
void json_text_n(struct json_writer *writer, const char *text, size_t length);
void json_int(struct json_writer *writer, int64_t value);
void json_uint(struct json_writer *writer, uint64_t value);
/* The shortest text that reads back as the same double; null if it is not finite. */
void json_double(struct json_writer *writer, double value);
void json_bool(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);
/* Text that is JSON already. */
void json_raw(struct json_writer *writer, const char *json, size_t length);

void json_put_text(struct json_writer *writer, const char *key, const char *text);
void json_put_int(struct json_writer *writer, const char *key, int64_t value);
