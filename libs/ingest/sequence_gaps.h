/* Which numbers of a device's own sequence are missing: ranges between those that came. Bounded: when there are more
 * ranges than places the smallest is forgotten; that is counted, and numbers up to it may be lacking from then on. Does
 * no I/O. */
#pragma once
#include "base/compiler.h"
#include <stddef.h>
#include <stdint.h>

enum { SEQUENCE_GAPS = 16 };
struct sequence_range {
    uint64_t first, last;
};
/* Of one epoch. Zeroed: none is missing, none ever was. */
struct sequence_gaps {
    struct sequence_range open[SEQUENCE_GAPS]; /* ascending, none touches another */
    uint32_t count;
    uint64_t missed;          /* numbers that were passed over, ever */
    uint64_t late;            /* those of them that came after all */
    uint64_t forgotten;       /* those of them that are neither open nor came: whether they are missing is not known */
    uint64_t forgotten_until; /* the highest of these; 0: there are none */
};
/* These numbers, all beyond those known so far, were passed over. */
void sequence_gaps_open(struct sequence_gaps *gaps, uint64_t first, uint64_t last);
/* These came: what was missing of them is not any more. True if something was. */
bool sequence_gaps_close(struct sequence_gaps *gaps, uint64_t first, uint64_t last);
/* Whether any of these is in an open range. */
bool sequence_gaps_has_open(const struct sequence_gaps *gaps, uint64_t first, uint64_t last);
/* Whether any of these is missing, or may be. */
bool sequence_gaps_may_lack(const struct sequence_gaps *gaps, uint64_t first, uint64_t last);
/* Numbers in open ranges. */
uint64_t sequence_gaps_missing(const struct sequence_gaps *gaps);
