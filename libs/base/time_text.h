/* Times as text: RFC 3339 in, RFC 3339 in UTC out. */
#pragma once
#include "base/compiler.h"

enum { TIME_TEXT_SIZE = 32 };

/* The whole of text as RFC 3339 ("2026-11-24T08:00:00.25+01:00", "Z", a space or t for T); out in microseconds since
 * the epoch, UTC. Years 0001 to 9999; a second of 60 becomes the next minute's first; digits beyond microseconds are
 * dropped. */
MUST_CHECK bool time_text_parse(const char *text, size_t length, int64_t *out_us);
/* "2026-11-24T07:00:00.25Z": no more digits of the second than needed. Returns the length. */
size_t time_text_format(char text[TIME_TEXT_SIZE], int64_t us);
