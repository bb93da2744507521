/* Token buckets for many askers in bounded memory: each fills at a rate up to a burst, and every request takes one. Any
 * thread. No I/O: time comes from the caller. */
#pragma once
#include "base/compiler.h"

struct rate {
    double per_second; /* 0: no limit */
    double burst;      /* how many at once; at least 1 */
};
enum rate_kind { RATE_OF_ADDRESS, RATE_OF_KEY, RATE_OF_TENANT, RATE_KINDS };
struct rate_verdict {
    int64_t left;    /* whole requests that would be admitted at once now */
    int64_t wait_ms; /* until one is; 0 if admitted */
};

struct rate_limit;
/* Room for about so many askers; of more, those that were not heard of longest begin anew with a full bucket. NULL
 * without memory. */
MUST_CHECK struct rate_limit *rate_limit_new(size_t places);
void rate_limit_free(struct rate_limit *limit);
AUTO_DEFINE(rate_limit, rate_limit_free)
/* Takes one from the asker's bucket; false, and nothing taken, if there is none. now_us is monotonic. */
MUST_CHECK bool rate_limit_take(struct rate_limit *limit, enum rate_kind kind, const char *asker,
    const struct rate *rate, int64_t now_us, struct rate_verdict *out_verdict);
