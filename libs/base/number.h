/* Numbers from and to text, exactly: what is read is the nearest double, what is written reads back as the same. */
#pragma once
#include "base/compiler.h"

enum { NUMBER_TEXT_SIZE = 32, NUMBER_LONGEST_TEXT = 64 };

/* Reads one JSON number (RFC 8259 grammar: no leading +, no leading zeros, no NaN, no hex) at text; returns how many
 * bytes it took, 0 if there is none, if it is longer than NUMBER_LONGEST_TEXT, or if it is too large for a double. */
size_t number_parse(const char *text, size_t length, double *out_value);
/* The whole of text as a decimal integer, with an optional minus. */
MUST_CHECK bool number_parse_int(const char *text, size_t length, int64_t *out_value);
/* Writes the shortest text that reads back as value, "null" if it is not finite; returns its length. */
size_t number_format(char text[NUMBER_TEXT_SIZE], double value);
/* The same of whole numbers: a tenth of what printf takes. */
size_t number_format_int(char text[NUMBER_TEXT_SIZE], int64_t value);
