/* What API keys stand for: asked of identity, kept for at most a minute, forgotten at once when anything was revoked.
 * Any thread. */
#pragma once
#include "auth/auth.h"
#include "bus/bus.h"

#define API_KEY_PREFIX "nwk_"

struct api_keys;
MUST_CHECK bool api_keys_open(struct api_keys **out_keys, struct bus *bus, struct err *err);
void api_keys_close(struct api_keys *keys);
AUTO_DEFINE(api_keys, api_keys_close)
/* As a token's claims: subject "key:<id>". ERR_UNAUTHENTICATED if the key is not good, ERR_TRANSIENT if that cannot be
 * known now. */
MUST_CHECK bool api_keys_claims(
    struct api_keys *keys, const char *key, int64_t now_us, struct access_claims *out_claims, struct err *err);
/* What is under way is not kept either. */
void api_keys_forget(struct api_keys *keys);
