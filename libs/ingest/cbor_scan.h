/* Walks CBOR (RFC 8949) once, from front to back, without building a tree: what the codecs have in common. Every length
 * is held against what is left. Inside libs/ingest only. */
#pragma once
#include "ingest/json_scan.h"

struct cbor_scan {
    const unsigned char *start, *at, *end;
    const char *problem; /* set when a function below gave false: what was wrong at `at` */
};
/* An array or a map that is being walked. */
struct cbor_list {
    uint64_t left; /* items, or pairs */
    bool is_open;  /* of no said length: ends with a break */
};
enum cbor_kind { CBOR_NUMBER, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_FLAG, CBOR_OTHER, CBOR_END };

void cbor_scan_begin(struct cbor_scan *scan, const void *body, size_t size);
/* Nothing may be left. */
MUST_CHECK bool cbor_scan_end(struct cbor_scan *scan);
/* Sets problem, gives false. */
bool cbor_scan_fail(struct cbor_scan *scan, const char *problem);
/* The problem and its place as ERR_INPUT; false. */
bool cbor_scan_err(const struct cbor_scan *scan, struct err *err);
/* What comes next; does not take it. A tag that says a number (4) is one, other tags are OTHER. */
enum cbor_kind cbor_scan_peek(const struct cbor_scan *scan);
/* Takes the head of an array, or of a map; else fails with the problem. */
MUST_CHECK bool cbor_scan_open(
    struct cbor_scan *scan, enum cbor_kind kind, struct cbor_list *out_list, const char *problem);
/* Whether another item, or pair, follows; takes the break that ends an open one. */
MUST_CHECK bool cbor_scan_next(struct cbor_scan *scan, struct cbor_list *list, bool *out_more);
/* A text in one piece, UTF-8 without NUL. */
MUST_CHECK bool cbor_scan_text(struct cbor_scan *scan, struct json_text *out_text);
/* A whole number, a float of 16, 32 or 64 bits, or a decimal fraction (tag 4). */
enum json_number cbor_scan_number(struct cbor_scan *scan, double *out_value);
/* A whole number that an int64 holds; false, taking nothing, if it is something else. */
bool cbor_scan_int(struct cbor_scan *scan, int64_t *out_value);
/* true or false; false, taking nothing, if it is something else. */
bool cbor_scan_flag(struct cbor_scan *scan, bool *out_value);
/* Anything, at most JSON_DEEPEST arrays, maps and tags deep. */
MUST_CHECK bool cbor_scan_skip(struct cbor_scan *scan);
