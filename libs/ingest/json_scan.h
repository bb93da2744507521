/* Walks JSON text once, from left to right, without building a tree: what the codecs have in common, and ingests whose
 * own messages are JSON. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum { JSON_DEEPEST = 8 };

struct json_scan {
    const char *start, *at, *end;
    struct arena *arena; /* for texts with escapes */
    const char *problem; /* set when a function below gave false: what was wrong at `at` */
    bool is_out_of_memory;
};
struct json_text {
    const char *bytes; /* into the body, or the arena when it had escapes */
    size_t length;
};
enum json_number {
    JSON_NUMBER_NONE, /* it is something else; nothing was taken */
    JSON_NUMBER,
    JSON_NUMBER_NOT_FINITE /* NaN, Infinity or beyond a double: taken, but no value */
};

/* Skips a byte order mark and white space; false if nothing is left. */
MUST_CHECK bool json_scan_begin(struct json_scan *scan, struct arena *arena, const char *body, size_t size);
/* Only white space may be left. */
MUST_CHECK bool json_scan_end(struct json_scan *scan);
/* Sets problem, gives false. */
bool json_scan_fail(struct json_scan *scan, const char *problem);
/* The problem and its place as ERR_INPUT, or ERR_LIMIT when memory was out; false. */
bool json_scan_err(const struct json_scan *scan, struct err *err);

/* The next byte that is no white space, '\0' at the end; does not take it. */
static inline char json_scan_peek(struct json_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
    return scan->at < scan->end ? *scan->at : '\0';
}
/* Takes c, or fails with the problem. */
MUST_CHECK bool json_scan_take(struct json_scan *scan, char c, const char *problem);
/* Between two members or items: takes ',' (out_more true) or close (out_more false). */
MUST_CHECK bool json_scan_next(struct json_scan *scan, char close, bool *out_more);
/* After the opening bracket: takes close if it is empty. */
bool json_scan_is_empty(struct json_scan *scan, char close);
MUST_CHECK bool json_scan_text(struct json_scan *scan, struct json_text *out_text);
/* A member's name and its colon. */
MUST_CHECK bool json_scan_name(struct json_scan *scan, struct json_text *out_name);
enum json_number json_scan_number(struct json_scan *scan, double *out_value);
/* true, false or null; false, taking nothing, if it is another. */
bool json_scan_word(struct json_scan *scan, const char *word);
/* Any value, at most JSON_DEEPEST brackets deep. */
MUST_CHECK bool json_scan_skip(struct json_scan *scan);
