/* A finished answer: its JSON and its ETag. Never changed once made; any number of holders, any thread. */
#pragma once
#include "cache/cache_class.h"
#include "cache/cache_key.h"
#include <stdatomic.h>

enum { CACHE_ETAG_SIZE = 64, CACHE_LARGEST_BODY = 1024 * 1024 };

struct cache_entry {
    atomic_uint holders;
    uint64_t stamp;     /* the generations that it was made under */
    int64_t expires_us; /* monotonic */
    size_t body_size;
    char etag[CACHE_ETAG_SIZE]; /* with its quotes */
    /* Where it stands in the gateway's memory; cache_memory.c alone looks at these. */
    struct cache_entry *newer, *older;
    int64_t ordered_us; /* when it was last put in front; 0: never */
    size_t key_size;
    char bytes[]; /* the body, then the key */
};

/* The ETag of an answer: the version of the thing in it, if it counts one (else 0), and 128 bits of its SHA-256. The
 * version in front lets an owner compare If-Match without making the JSON (service/precondition.h). */
void cache_etag_make(char etag[CACHE_ETAG_SIZE], int64_t version, const void *body, size_t size);
/* Copies. Held once, by the caller; NULL without memory or if the body is larger than CACHE_LARGEST_BODY. */
MUST_CHECK struct cache_entry *cache_entry_new(
    const struct cache_key *key, const char *etag, const void *body, size_t body_size);
struct cache_entry *cache_entry_hold(struct cache_entry *entry);
void cache_entry_release(struct cache_entry *entry); /* NULL is fine */
AUTO_DEFINE(cache_entry, cache_entry_release)
static inline const char *cache_entry_body(const struct cache_entry *entry)
{
    return entry->bytes;
}
static inline const char *cache_entry_key(const struct cache_entry *entry)
{
    return entry->bytes + entry->body_size;
}
