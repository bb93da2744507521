#include "rate_limit.h"
#include "base/text.h"
#include "base/uuid.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A bucket has one of the places of its set, by a hash under a secret seed; where all are taken, the one that was not
 * used longest gives way: its owner has most likely a full bucket by then. */
enum { WAYS = 8, SHARDS = 16 };

struct bucket {
    uint64_t key; /* 0: free */
    int64_t used_us;
    double tokens;
};
struct set {
    struct bucket buckets[WAYS];
};
struct rate_limit {
    uint64_t seed;
    size_t set_count;
    pthread_mutex_t locks[SHARDS];
    struct set sets[];
};

struct rate_limit *rate_limit_new(size_t places)
{
    size_t sets = places / WAYS + 1, size;
    if (__builtin_mul_overflow(sets, sizeof(struct set), &size) ||
        __builtin_add_overflow(size, sizeof(struct rate_limit), &size))
        return NULL;
    struct rate_limit *limit = calloc(1, size);
    if (!limit)
        return NULL;
    limit->set_count = sets;
    random_bytes(&limit->seed, sizeof limit->seed);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&limit->locks[i], NULL);
    return limit;
}

void rate_limit_free(struct rate_limit *limit)
{
    if (!limit)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&limit->locks[i]);
    free(limit);
}

/* Two rounds, so that the seed reaches every bit. */
static uint64_t key_of(const struct rate_limit *limit, enum rate_kind kind, const char *asker)
{
    uint64_t parts[3] = { limit->seed, text_hash(asker, strlen(asker)), (uint64_t)kind };
    uint64_t key = text_hash(parts, sizeof parts) ^ (limit->seed >> 7);
    return key != 0 ? key : 1;
}

static struct bucket *bucket_of(struct set *set, uint64_t key, const struct rate *rate, int64_t now_us)
{
    struct bucket *oldest = &set->buckets[0];
    for (size_t i = 0; i < WAYS; i++) {
        struct bucket *bucket = &set->buckets[i];
        if (bucket->key == key)
            return bucket;
        if (bucket->key == 0 || (oldest->key != 0 && bucket->used_us < oldest->used_us))
            oldest = bucket;
    }
    *oldest = (struct bucket){ .key = key, .used_us = now_us, .tokens = rate->burst };
    return oldest;
}

static bool take(struct bucket *bucket, const struct rate *rate, int64_t now_us, struct rate_verdict *out_verdict)
{
    int64_t passed_us = now_us > bucket->used_us ? now_us - bucket->used_us : 0;
    double tokens = bucket->tokens + (double)passed_us * rate->per_second / 1e6;
    bool is_admitted;
    if (tokens > rate->burst) /* also where the rate was lowered meanwhile */
        tokens = rate->burst;
    is_admitted = tokens >= 1;
    if (is_admitted)
        tokens -= 1;
    bucket->tokens = tokens;
    bucket->used_us = now_us;
    out_verdict->left = (int64_t)tokens;
    out_verdict->wait_ms = is_admitted ? 0 : (int64_t)((1 - tokens) / rate->per_second * 1000) + 1;
    return is_admitted;
}

bool rate_limit_take(struct rate_limit *limit, enum rate_kind kind, const char *asker, const struct rate *rate,
    int64_t now_us, struct rate_verdict *out_verdict)
{
    *out_verdict = (struct rate_verdict){ .left = INT64_MAX };
    if (rate->per_second <= 0)
        return true;
    struct rate at_least_one = { rate->per_second, rate->burst < 1 ? 1 : rate->burst };
    uint64_t key = key_of(limit, kind, asker);
    size_t place = (size_t)(key % limit->set_count);
    pthread_mutex_t *lock = &limit->locks[place % SHARDS];
    pthread_mutex_lock(lock);
    bool ok = take(bucket_of(&limit->sets[place], key, &at_least_one, now_us), &at_least_one, now_us, out_verdict);
    pthread_mutex_unlock(lock);
    return ok;
}
