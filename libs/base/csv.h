/* Reads CSV (RFC 4180) row by row without copying: fields point into the text, or into the arena where a quote was
 * doubled. Fields are divided by comma, semicolon or tab, whichever comes first in the first line; rows end with LF or
 * CRLF; empty lines are passed over. Not for sharing between threads. And writes a field. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"

struct csv_field {
    const char *bytes; /* not NUL-terminated */
    size_t length;
};
struct csv_scan {
    const char *at, *end;
    struct arena *arena;
    char divider;
    size_t line; /* where the row read last begins, from 1 */
    size_t next_line;
};

/* Skips a byte order mark and finds the divider. The text must outlive the scan and its fields. */
void csv_scan_begin(struct csv_scan *scan, struct arena *arena, const char *text, size_t size);
/* The next row's fields into fields[0..most); *out_count is 0 at the end of the text. ERR_INPUT with the line number
 * for a quote that does not end or stands amid a field and for more than most fields; ERR_LIMIT if the arena is full.
 */
MUST_CHECK bool csv_scan_row(
    struct csv_scan *scan, struct csv_field *fields, size_t most, size_t *out_count, struct err *err);
/* The same letters, case aside, white space around it aside. */
MUST_CHECK bool csv_field_is(const struct csv_field *field, const char *name);
/* Between quotes, each quote in it doubled. */
void csv_put_quoted(struct buffer *out, const struct csv_field *field);
/* Without white space around. */
struct csv_field csv_field_trim(struct csv_field field);
