#include "cache/cache_entry.h"
#include "auth/auth.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_BYTES = 16 };

void cache_etag_make(char etag[CACHE_ETAG_SIZE], int64_t version, const void *body, size_t size)
{
    unsigned char digest[SHA256_SIZE];
    char hex[2 * DIGEST_BYTES + 1];
    auth_sha256(digest, body, size);
    text_hex(hex, digest, DIGEST_BYTES);
    if (version > 0)
        snprintf(etag, CACHE_ETAG_SIZE, "\"%" PRId64 ".%s\"", version, hex);
    else
        snprintf(etag, CACHE_ETAG_SIZE, "\"%s\"", hex);
}

struct cache_entry *cache_entry_new(const struct cache_key *key, const char *etag, const void *body, size_t body_size)
{
    if (body_size > CACHE_LARGEST_BODY)
        return NULL;
    struct cache_entry *entry = malloc(sizeof *entry + body_size + key->size);
    if (!entry)
        return NULL;
    *entry = (struct cache_entry){ .holders = 1, .body_size = body_size, .key_size = key->size };
    if (!text_copy(entry->etag, sizeof entry->etag, etag, strlen(etag))) {
        free(entry);
        return NULL;
    }
    if (body_size > 0)
        memcpy(entry->bytes, body, body_size);
    memcpy(entry->bytes + body_size, key->bytes, key->size);
    return entry;
}

struct cache_entry *cache_entry_hold(struct cache_entry *entry)
{
    atomic_fetch_add_explicit(&entry->holders, 1, memory_order_relaxed);
    return entry;
}

void cache_entry_release(struct cache_entry *entry)
{
    if (entry && atomic_fetch_sub_explicit(&entry->holders, 1, memory_order_acq_rel) == 1)
        free(entry);
}
