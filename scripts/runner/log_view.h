/* Turns a line of a process into a line for people: our services' JSON becomes time, level, event and fields; other
 * text stays. */
#pragma once
#include "base/buffer.h"

/* What is known of a line. */
struct log_line {
    char time[32]; /* RFC 3339 */
    char level[8]; /* debug, info, warn, error */
    bool is_json;
};

/* Adds "event field=value ..." to out; keys that every line repeats are left out. Fills out_line; a line that is no
 * JSON object is added as it is. */
void log_view_put(struct buffer *out, const char *line, size_t length, struct log_line *out_line);
/* The same line as JSON, ended by a newline: unchanged if it was JSON, else {"ts", "level", "msg": "output", "service",
 * "text"}. */
void log_view_put_json(
    struct buffer *out, const char *service, const char *line, size_t length, const struct log_line *known);
