/* The public keys that sign access tokens, fetched from identity when a token names one that is not here, and again
 * every minute in which tokens are checked. Any thread. */
#pragma once
#include "auth/auth.h"
#include "bus/bus.h"

struct key_ring;
MUST_CHECK bool key_ring_open(struct key_ring **out_ring, struct bus *bus, struct err *err);
void key_ring_close(struct key_ring *ring);
AUTO_DEFINE(key_ring, key_ring_close)
/* ERR_UNAUTHENTICATED if the token is not good, ERR_TRANSIENT if the keys cannot be had now. */
MUST_CHECK bool key_ring_verify(
    struct key_ring *ring, const char *token, int64_t now_us, struct access_claims *out_claims, struct err *err);
