/* Every kind of problem that the API answers with, for people: what it means and what to do. The last part of a
 * problem's type ("urn:nwims:problem:invalid") is its kind and never changes its meaning. */
#pragma once
#include "base/buffer.h"

struct problem_kind {
    const char *kind;
    int status;
    const char *meaning;
    const char *remedy;
};
extern const struct problem_kind problem_kinds[]; /* { 0 } last */

/* The page at /docs/problems. */
void problem_kinds_write_page(struct buffer *out);
