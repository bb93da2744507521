/* How long answers of each class may be kept. Changed at run time for every replica; see cache.h. Any thread. */
#pragma once
#include "base/err.h"
#include "cache/cache_class.h"
#include <stdatomic.h>

struct cache_policy {
    int64_t keep_ms;   /* since the owner made it, at every level; 0: not at all */
    int64_t memory_ms; /* of that, at most, in a gateway's memory */
};
enum { CACHE_LONGEST_KEEP_MS = 24 * 3600 * 1000 };

struct cache_policies {
    int64_t version; /* when they were set, microseconds since the epoch; 0: never */
    struct cache_policy of[CACHE_CLASS_COUNT];
};
/* What holds until somebody sets something. */
extern const struct cache_policies cache_policies_preset;
/* ERR_INPUT, naming the class, for times out of range. */
MUST_CHECK bool cache_policies_check(const struct cache_policies *policies, struct err *err);
