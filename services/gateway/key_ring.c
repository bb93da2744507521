#include "key_ring.h"
#include "base/clock.h"
#include "nwims/v1/identity.pb-c.h"
#include "rpc/rpc.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 16, FETCH_MS = 3000, ARENA_BYTES = 256 * 1024 };
/* A stranger's kid must not make us ask identity for every request. */
static const int64_t least_between_fetches_us = 2 * 1000000;
static const int64_t refresh_after_us = 60 * 1000000;

struct key_ring {
    struct bus *bus;
    pthread_rwlock_t lock;
    pthread_mutex_t fetching;
    struct {
        char id[CLAIM_TEXT_SIZE];
        struct signing_key *key;
    } keys[MOST_KEYS];
    size_t count;
    int64_t fetched_at_us; /* monotonic */
    int64_t tried_at_us;
};

bool key_ring_open(struct key_ring **out_ring, struct bus *bus, struct err *err)
{
    struct key_ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return err_set(err, ERR_LIMIT, "no memory for the key ring");
    ring->bus = bus;
    pthread_rwlock_init(&ring->lock, NULL);
    pthread_mutex_init(&ring->fetching, NULL);
    *out_ring = ring;
    return true;
}

static void drop_keys(struct key_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        signing_key_free(ring->keys[i].key);
    ring->count = 0;
}

void key_ring_close(struct key_ring *ring)
{
    if (!ring)
        return;
    drop_keys(ring);
    pthread_rwlock_destroy(&ring->lock);
    pthread_mutex_destroy(&ring->fetching);
    free(ring);
}

static bool replace_keys(struct key_ring *ring, const Nwims__V1__Jwks *jwks, struct err *err)
{
    pthread_rwlock_wrlock(&ring->lock);
    drop_keys(ring);
    bool ok = true;
    for (size_t i = 0; i < jwks->n_keys && ring->count < MOST_KEYS && ok; i++) {
        const Nwims__V1__Jwk *jwk = jwks->keys[i];
        if (!jwk->kid || !jwk->x || !jwk->y || strlen(jwk->kid) >= CLAIM_TEXT_SIZE)
            continue;
        ok = signing_key_from_public(&ring->keys[ring->count].key, jwk->x, jwk->y, err);
        if (ok) {
            memcpy(ring->keys[ring->count].id, jwk->kid, strlen(jwk->kid) + 1);
            ring->count++;
        }
    }
    ring->fetched_at_us = clock_monotonic_us();
    pthread_rwlock_unlock(&ring->lock);
    return ok;
}

static bool fetch_now(struct key_ring *ring, struct err *err)
{
    struct arena arena;
    struct rpc_caller caller = { .actor = "gateway" };
    Nwims__V1__Empty request = NWIMS__V1__EMPTY__INIT;
    ProtobufCMessage *reply = NULL;
    arena_init(&arena, ARENA_BYTES);
    trace_begin(&caller.trace, NULL);
    bool ok = rpc_call(ring->bus, &nwims__v1__identity__descriptor, "GetJwks", &caller, &request.base, FETCH_MS, &arena,
        &reply, NULL, err);
    if (ok) {
        const Nwims__V1__Jwks *jwks = (const Nwims__V1__Jwks *)reply;
        ok = replace_keys(ring, jwks, err);
    }
    arena_done(&arena);
    return ok || err_wrap(err, "keys of access tokens");
}

/* One thread asks; others that came meanwhile find its result. */
static bool fetch_once(struct key_ring *ring, int64_t wanted_since_us, struct err *err)
{
    bool ok = true;
    pthread_mutex_lock(&ring->fetching);
    pthread_rwlock_rdlock(&ring->lock);
    bool is_done = ring->fetched_at_us > wanted_since_us;
    bool is_too_soon = ring->tried_at_us != 0 && clock_monotonic_us() - ring->tried_at_us < least_between_fetches_us &&
                       ring->count > 0;
    pthread_rwlock_unlock(&ring->lock);
    if (!is_done && !is_too_soon) {
        ring->tried_at_us = clock_monotonic_us();
        ok = fetch_now(ring, err);
    }
    pthread_mutex_unlock(&ring->fetching);
    return ok;
}

/* out_found: whether the ring has the key; the verdict is in the result then. */
static bool verify_with_known(struct key_ring *ring, const char *token, const char *key_id, int64_t now_us,
    struct access_claims *out_claims, bool *out_found, struct err *err)
{
    bool ok = false;
    *out_found = false;
    pthread_rwlock_rdlock(&ring->lock);
    for (size_t i = 0; i < ring->count && !*out_found; i++)
        if (strcmp(ring->keys[i].id, key_id) == 0) {
            *out_found = true;
            ok = access_token_verify(token, ring->keys[i].key, now_us, out_claims, err);
        }
    pthread_rwlock_unlock(&ring->lock);
    return ok;
}

static bool is_stale(struct key_ring *ring)
{
    pthread_rwlock_rdlock(&ring->lock);
    bool stale = ring->count == 0 || clock_monotonic_us() - ring->fetched_at_us > refresh_after_us;
    pthread_rwlock_unlock(&ring->lock);
    return stale;
}

bool key_ring_verify(
    struct key_ring *ring, const char *token, int64_t now_us, struct access_claims *out_claims, struct err *err)
{
    char key_id[CLAIM_TEXT_SIZE];
    bool found;
    int64_t asked_at_us = clock_monotonic_us();
    if (!access_token_key_id(token, key_id, err))
        return false;
    if (is_stale(ring)) {
        struct err ignored = { 0 };
        /* With older keys at hand identity may be away for a while. */
        if (!fetch_once(ring, asked_at_us, &ignored))
            log_warn(NULL, "keys.refresh_failed", LOG_ERR(&ignored));
    }
    bool ok = verify_with_known(ring, token, key_id, now_us, out_claims, &found, err);
    if (found)
        return ok;
    if (!fetch_once(ring, asked_at_us, err))
        return false;
    ok = verify_with_known(ring, token, key_id, now_us, out_claims, &found, err);
    if (found)
        return ok;
    return err_set(err, ERR_UNAUTHENTICATED, "the token was signed by a key that is not ours; log in again");
}
