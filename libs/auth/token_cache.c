/* Sets of a few entries, each set under one of several locks: bounded by its shape, no list to keep in order on every
 * hit. Claims are kept as long as their texts are, not as long as they may be; each lock has its share of the bytes. */
#include "auth/auth.h"
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, SHARDS = 16, REMEMBERED_BYTES = 2048 };

/* The texts of the claims in this order, each with its NUL, behind the entry. */
static const struct {
    size_t offset, size;
} text_fields[] = {
#define FIELD(name)                                                                                                    \
    {                                                                                                                  \
        offsetof(struct access_claims, name), sizeof((struct access_claims *)0)->name                                  \
    }
    FIELD(subject), FIELD(token_id), FIELD(session_id), FIELD(roles), FIELD(permissions), FIELD(grants)
#undef FIELD
};

struct entry {
    unsigned char digest[SHA256_SIZE];
    int64_t issued_at, expires_at;
    int32_t tenant_id, subject_epoch, tenant_epoch;
    size_t bytes; /* of all this */
    char texts[];
};

struct set {
    struct entry *ways[WAYS];
    unsigned hand; /* the next to go when all are good */
};

struct shard {
    pthread_rwlock_t lock; /* a hit is a reader: the one token of a busy caller keeps none of its requests waiting */
    size_t bytes;
    size_t hand; /* the set that gives up its entries next when the bytes run out */
};

struct token_cache {
    struct shard shards[SHARDS];
    size_t set_count;
    size_t shard_bytes; /* most of each */
    struct set sets[];
};

/* ---- claims, packed ---------------------------------------------------------------------------------------------- */
static struct entry *pack(const struct access_claims *claims)
{
    size_t size = sizeof(struct entry);
    for (size_t i = 0; i < COUNT_OF(text_fields); i++)
        size += strnlen((const char *)claims + text_fields[i].offset, text_fields[i].size - 1) + 1;
    struct entry *entry = malloc(size);
    if (!entry)
        return NULL;
    char *at = entry->texts;
    entry->issued_at = claims->issued_at;
    entry->expires_at = claims->expires_at;
    entry->tenant_id = claims->tenant_id;
    entry->subject_epoch = claims->subject_epoch;
    entry->tenant_epoch = claims->tenant_epoch;
    entry->bytes = size;
    for (size_t i = 0; i < COUNT_OF(text_fields); i++) {
        const char *text = (const char *)claims + text_fields[i].offset;
        size_t length = strnlen(text, text_fields[i].size - 1);
        memcpy(at, text, length);
        at[length] = '\0';
        at += length + 1;
    }
    return entry;
}

static void unpack(struct access_claims *out_claims, const struct entry *entry)
{
    const char *at = entry->texts;
    out_claims->issued_at = entry->issued_at;
    out_claims->expires_at = entry->expires_at;
    out_claims->tenant_id = entry->tenant_id;
    out_claims->subject_epoch = entry->subject_epoch;
    out_claims->tenant_epoch = entry->tenant_epoch;
    for (size_t i = 0; i < COUNT_OF(text_fields); i++) {
        size_t size = strlen(at) + 1;
        memcpy((char *)out_claims + text_fields[i].offset, at, size);
        at += size;
    }
}

/* ---- the cache --------------------------------------------------------------------------------------------------- */
struct token_cache *token_cache_new(size_t ceiling, size_t ceiling_bytes)
{
    size_t set_count = (ceiling + WAYS - 1) / WAYS, size;
    if (ceiling == 0 || __builtin_mul_overflow(set_count, sizeof(struct set), &size) ||
        __builtin_add_overflow(size, sizeof(struct token_cache), &size))
        return NULL;
    struct token_cache *cache = calloc(1, size);
    if (!cache)
        return NULL;
    cache->set_count = set_count;
    cache->shard_bytes = ceiling_bytes / SHARDS;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_rwlock_init(&cache->shards[i].lock, NULL);
    return cache;
}

void token_cache_free(struct token_cache *cache)
{
    if (!cache)
        return;
    token_cache_clear(cache);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_rwlock_destroy(&cache->shards[i].lock);
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

static void drop(struct shard *shard, struct entry **place)
{
    if (!*place)
        return;
    shard->bytes -= (*place)->bytes;
    free(*place);
    *place = NULL;
}

static void drop_expired(struct shard *shard, struct set *set, const unsigned char digest[SHA256_SIZE], int64_t now_us)
{
    pthread_rwlock_wrlock(&shard->lock);
    struct entry **place = find(set, digest);
    if (place && (*place)->expires_at <= now_us)
        drop(shard, place);
    pthread_rwlock_unlock(&shard->lock);
}

/* Takes as long wherever they differ. */
static bool is_same(const char *left, const char *right, size_t length)
{
    uint64_t difference = 0, one, other;
    for (; length >= sizeof one; left += sizeof one, right += sizeof other, length -= sizeof one) {
        memcpy(&one, left, sizeof one);
        memcpy(&other, right, sizeof other);
        difference |= one ^ other;
    }
    for (; length > 0; left++, right++, length--)
        difference |= (unsigned char)(*left ^ *right);
    return difference == 0;
}

/* A thread serves one connection for long, and a connection shows the same token with every request: to compare 900
 * bytes takes 30 ns, their digest 900 ns. */
static void digest_of(unsigned char digest[SHA256_SIZE], const char *token, size_t length)
{
    static _Thread_local struct {
        size_t length;
        unsigned char digest[SHA256_SIZE];
        char token[REMEMBERED_BYTES];
    } last;
    if (length > sizeof last.token) {
        auth_sha256(digest, token, length);
        return;
    }
    if (length == 0 || length != last.length || !is_same(last.token, token, length)) {
        auth_sha256(last.digest, token, length);
        memcpy(last.token, token, length);
        last.length = length;
    }
    memcpy(digest, last.digest, SHA256_SIZE);
}

bool token_cache_get(struct token_cache *cache, const char *token, int64_t now_us, struct access_claims *out_claims)
{
    unsigned char digest[SHA256_SIZE];
    size_t length = strnlen(token, ACCESS_TOKEN_LONGEST + 1);
    if (length > ACCESS_TOKEN_LONGEST)
        return false;
    digest_of(digest, token, length);
    size_t at = set_of(cache, digest);
    struct shard *shard = &cache->shards[at % SHARDS];
    pthread_rwlock_rdlock(&shard->lock);
    struct entry **place = find(&cache->sets[at], digest);
    bool is_good = place && (*place)->expires_at > now_us;
    if (is_good)
        unpack(out_claims, *place);
    pthread_rwlock_unlock(&shard->lock);
    if (place && !is_good)
        drop_expired(shard, &cache->sets[at], digest, now_us);
    return is_good;
}

/* An empty place, else the next in turn: which one hardly matters, a good token that went is verified again. */
static struct entry **place_for(struct set *set, const unsigned char digest[SHA256_SIZE])
{
    struct entry **same = find(set, digest);
    if (same)
        return same;
    for (size_t i = 0; i < WAYS; i++)
        if (!set->ways[i])
            return &set->ways[i];
    return &set->ways[set->hand++ % WAYS];
}

/* Set after set of the shard gives up what it has until the new one fits. */
static void make_room(struct token_cache *cache, size_t shard_number, size_t bytes)
{
    struct shard *shard = &cache->shards[shard_number];
    size_t sets_here = (cache->set_count + SHARDS - 1 - shard_number) / SHARDS;
    for (size_t tried = 0; tried < sets_here && shard->bytes + bytes > cache->shard_bytes; tried++) {
        struct set *set = &cache->sets[shard_number + shard->hand++ % sets_here * SHARDS];
        for (size_t i = 0; i < WAYS; i++)
            drop(shard, &set->ways[i]);
    }
}

void token_cache_put(struct token_cache *cache, const char *token, const struct access_claims *claims)
{
    size_t length = strnlen(token, ACCESS_TOKEN_LONGEST + 1);
    struct entry *entry = length > ACCESS_TOKEN_LONGEST ? NULL : pack(claims);
    if (!entry || entry->bytes > cache->shard_bytes) {
        free(entry);
        return; /* not remembered: it is verified again */
    }
    digest_of(entry->digest, token, length);
    size_t at = set_of(cache, entry->digest);
    struct shard *shard = &cache->shards[at % SHARDS];
    pthread_rwlock_wrlock(&shard->lock);
    drop(shard, place_for(&cache->sets[at], entry->digest));
    make_room(cache, at % SHARDS, entry->bytes);
    shard->bytes += entry->bytes;
    *place_for(&cache->sets[at], entry->digest) = entry;
    pthread_rwlock_unlock(&shard->lock);
}

void token_cache_clear(struct token_cache *cache)
{
    for (size_t at = 0; at < cache->set_count; at++) {
        struct shard *shard = &cache->shards[at % SHARDS];
        pthread_rwlock_wrlock(&shard->lock);
        for (size_t i = 0; i < WAYS; i++)
            drop(shard, &cache->sets[at].ways[i]);
        pthread_rwlock_unlock(&shard->lock);
    }
}
