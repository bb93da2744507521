#include "api_keys.h"
#include "base/text.h"
#include "nwims/v1/identity.pb-c.h"
#include "rpc/rpc.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ABSENT_US: a program with an old key asks again and again. */
enum {
    MOST = 10000,
    MOST_BYTES = 8 * 1024 * 1024,
    ABSENT_BYTES = 2 * 1024 * 1024,
    ASK_MS = 3000,
    ARENA_BYTES = 64 * 1024
};
#define KEPT_US INT64_C(60000000)
#define ABSENT_US INT64_C(5000000)

struct api_keys {
    struct bus *bus;
    struct token_cache *known, *absent; /* by the hash of the key */
    atomic_uint_fast64_t generation;    /* raised when anything was revoked */
};

bool api_keys_open(struct api_keys **out_keys, struct bus *bus, struct err *err)
{
    AUTO(api_keys) keys = calloc(1, sizeof *keys);
    if (!keys)
        return err_set(err, ERR_LIMIT, "no memory for the API keys");
    keys->bus = bus;
    keys->known = token_cache_new(MOST, MOST_BYTES);
    keys->absent = token_cache_new(MOST, ABSENT_BYTES);
    if (!keys->known || !keys->absent)
        return err_set(err, ERR_LIMIT, "no memory for the API keys");
    *out_keys = TAKE(keys);
    return true;
}

void api_keys_close(struct api_keys *keys)
{
    if (!keys)
        return;
    token_cache_free(keys->known);
    token_cache_free(keys->absent);
    free(keys);
}

void api_keys_forget(struct api_keys *keys)
{
    atomic_fetch_add(&keys->generation, 1);
    token_cache_clear(keys->known);
}

static bool copy(char *target, size_t size, const char *text)
{
    return text_copy(target, size, text ? text : "", text ? strlen(text) : 0);
}

static bool read_claims(
    struct access_claims *out_claims, const Nwims__V1__ResolvedApiKey *resolved, int64_t now_us, struct err *err)
{
    *out_claims = (struct access_claims){ .tenant_id = resolved->tenant_id,
        .tenant_epoch = resolved->tenant_epoch,
        .issued_at = now_us,
        .expires_at = resolved->expires_at < now_us + KEPT_US ? resolved->expires_at : now_us + KEPT_US };
    snprintf(out_claims->subject, sizeof out_claims->subject, "key:%.40s", resolved->id ? resolved->id : "");
    return (copy(out_claims->token_id, sizeof out_claims->token_id, resolved->id) &&
               copy(out_claims->permissions, sizeof out_claims->permissions, resolved->permissions) &&
               copy(out_claims->grants, sizeof out_claims->grants, resolved->grants)) ||
           err_set(err, ERR_BUG, "an API key may do more than a token can say");
}

static bool ask(
    struct api_keys *keys, const char *key, int64_t now_us, struct access_claims *out_claims, struct err *err)
{
    struct arena arena;
    unsigned char hash[SHA256_SIZE];
    struct rpc_caller caller = { .actor = "service:gateway" };
    Nwims__V1__ResolveApiKeyRequest request = NWIMS__V1__RESOLVE_API_KEY_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    auth_sha256(hash, key, strlen(key));
    request.has_hash = true;
    request.hash = (ProtobufCBinaryData){ .len = sizeof hash, .data = hash };
    trace_begin(&caller.trace, NULL);
    arena_init(&arena, ARENA_BYTES);
    bool ok = rpc_call(keys->bus, &nwims__v1__identity__descriptor, "ResolveApiKey", &caller, &request.base, ASK_MS,
                  &arena, &reply, NULL, err) &&
              read_claims(out_claims, (const Nwims__V1__ResolvedApiKey *)reply, now_us, err);
    arena_done(&arena);
    return ok;
}

static void note_absent(struct api_keys *keys, const char *key, int64_t now_us)
{
    const struct access_claims nobody = { .issued_at = now_us, .expires_at = now_us + ABSENT_US };
    token_cache_put(keys->absent, key, &nobody);
}

bool api_keys_claims(
    struct api_keys *keys, const char *key, int64_t now_us, struct access_claims *out_claims, struct err *err)
{
    uint_fast64_t generation = atomic_load(&keys->generation);
    if (strlen(key) >= AUTH_SECRET_TEXT_SIZE)
        return err_set(err, ERR_UNAUTHENTICATED, "the API key is too long to be one of ours");
    if (token_cache_get(keys->known, key, now_us, out_claims))
        return true;
    if (token_cache_get(keys->absent, key, now_us, out_claims))
        return err_set(err, ERR_UNAUTHENTICATED, "the API key is wrong, over or revoked");
    if (!ask(keys, key, now_us, out_claims, err)) {
        if (err->kind == ERR_UNAUTHENTICATED)
            note_absent(keys, key, now_us);
        return false;
    }
    token_cache_put(keys->known, key, out_claims);
    /* What was revoked meanwhile may have been this. */
    if (atomic_load(&keys->generation) != generation)
        token_cache_clear(keys->known);
    return true;
}
