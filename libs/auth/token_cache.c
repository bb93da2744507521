/* Sets of a few entries, each set under one of several locks: bounded by its shape, no list to keep in order on every
 * hit. */
#include "auth/auth.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, SHARDS = 16 };

struct entry {
    unsigned char digest[SHA256_SIZE];
    struct access_claims claims;
};

struct set {
    struct entry *ways[WAYS];
    unsigned hand; /* the next to go when all are good */
};

struct token_cache {
    pthread_mutex_t locks[SHARDS];
    size_t set_count;
    struct set sets[];
};

struct token_cache *token_cache_new(size_t ceiling)
{
    size_t set_count = (ceiling + WAYS - 1) / WAYS, size;
    if (ceiling == 0 || __builtin_mul_overflow(set_count, sizeof(struct set), &size) ||
        __builtin_add_overflow(size, sizeof(struct token_cache), &size))
        return NULL;
    struct token_cache *cache = calloc(1, size);
    if (!cache)
        return NULL;
    cache->set_count = set_count;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&cache->locks[i], NULL);
    return cache;
}

void token_cache_free(struct token_cache *cache)
{
    if (!cache)
        return;
    token_cache_clear(cache);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&cache->locks[i]);
    free(cache);
}

/* SHA-256 is uniform: its first bytes choose the set. */
static size_t set_of(const struct token_cache *cache, const unsigned char digest[SHA256_SIZE])
{
    uint64_t number;
    memcpy(&number, digest, sizeof number);
    return (size_t)(number % cache->set_count);
}

static struct entry **find(struct set *set, const unsigned char digest[SHA256_SIZE])
{
    for (size_t i = 0; i < WAYS; i++)
        if (set->ways[i] && memcmp(set->ways[i]->digest, digest, SHA256_SIZE) == 0)
            return &set->ways[i];
    return NULL;
}

bool token_cache_get(struct token_cache *cache, const char *token, int64_t now_us, struct access_claims *out_claims)
{
    unsigned char digest[SHA256_SIZE];
    size_t length = strnlen(token, ACCESS_TOKEN_LONGEST + 1);
    if (length > ACCESS_TOKEN_LONGEST)
        return false;
    auth_sha256(digest, token, length);
    size_t at = set_of(cache, digest);
    pthread_mutex_lock(&cache->locks[at % SHARDS]);
    struct entry **place = find(&cache->sets[at], digest);
    bool is_good = place && (*place)->claims.expires_at > now_us;
    if (is_good) {
        *out_claims = (*place)->claims;
    } else if (place) {
        free(*place);
        *place = NULL;
    }
    pthread_mutex_unlock(&cache->locks[at % SHARDS]);
    return is_good;
}

/* An empty place, else the next in turn: which one hardly matters, a good token that went is verified again. */
static struct entry **place_for(struct set *set)
{
    for (size_t i = 0; i < WAYS; i++)
        if (!set->ways[i])
            return &set->ways[i];
    return &set->ways[set->hand++ % WAYS];
}

void token_cache_put(struct token_cache *cache, const char *token, const struct access_claims *claims)
{
    struct entry *entry = malloc(sizeof *entry);
    size_t length = strnlen(token, ACCESS_TOKEN_LONGEST + 1);
    if (!entry || length > ACCESS_TOKEN_LONGEST) {
        free(entry);
        return; /* not remembered: it is verified again */
    }
    auth_sha256(entry->digest, token, length);
    entry->claims = *claims;
    size_t at = set_of(cache, entry->digest);
    pthread_mutex_lock(&cache->locks[at % SHARDS]);
    struct entry **place = find(&cache->sets[at], entry->digest);
    if (!place)
        place = place_for(&cache->sets[at]);
    free(*place);
    *place = entry;
    pthread_mutex_unlock(&cache->locks[at % SHARDS]);
}

void token_cache_clear(struct token_cache *cache)
{
    for (size_t at = 0; at < cache->set_count; at++) {
        pthread_mutex_lock(&cache->locks[at % SHARDS]);
        for (size_t i = 0; i < WAYS; i++) {
            free(cache->sets[at].ways[i]);
            cache->sets[at].ways[i] = NULL;
        }
        pthread_mutex_unlock(&cache->locks[at % SHARDS]);
    }
}
