#include "base/uuid.h"
#include "cache/cache_internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Two trips at most: take it if it is free, else look whose it is and, if ours, keep it. Between the two it may run out
 * and be taken by another: then both work for once, which does no harm. */
bool cache_lock_hold(struct cache *cache, const char *name, int64_t hold_ms, bool has_it)
{
    char full[64], ms[24];
    struct redis_answer answers[2];
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = 4096 };
    snprintf(full, sizeof full, "nwims:l:%s", name);
    snprintf(ms, sizeof ms, "%" PRId64, hold_ms);
    const struct redis_word key = { full, strlen(full) }, mine = { cache->holder, strlen(cache->holder) };
    const struct redis_word length = { ms, strlen(ms) };
    const struct redis_command take[] = { { { { "SET", 3 }, key, mine, { "PX", 2 }, length, { "NX", 2 } }, 6 },
        { { { "GET", 3 }, key }, 2 } };
    if (!redis_run(cache->redis, take, 2, answers, &texts))
        return has_it;
    if (answers[0].type == REDIS_TEXT || answers[0].type == REDIS_REFUSED) /* taken, or Redis is full */
        return true;
    if (answers[1].type != REDIS_TEXT || answers[1].size != mine.size ||
        memcmp(texts.data + answers[1].at, mine.data, mine.size) != 0)
        return false;
    const struct redis_command keep = { { { "PEXPIRE", 7 }, key, length }, 3 };
    (void)!redis_run(cache->redis, &keep, 1, answers, &texts); /* it was ours a moment ago in any case */
    return true;
}
