/* What the files of this library share and nobody else needs. */
#pragma once
#include "auth/auth.h"
#include <openssl/evp.h>

enum { P256_COORDINATE_SIZE = 32 };

/* How many bytes length characters of base64url stand for, or -1 if that many cannot be. */
int base64url_decoded_size(size_t length);
/* Strict: no padding, no other characters, and the unused bits of the last character are zero, so that one value has
 * one text. */
MUST_CHECK bool base64url_read(unsigned char *target, const char *text, size_t length);

/* The private half as PEM, NUL-terminated; NULL if there is none. */
const char *signing_key_pem(const struct signing_key *key, size_t *out_size);
/* The last error of OpenSSL, for err texts; empties its queue, which is per thread and would otherwise mislead the next
 * caller. */
const char *openssl_reason(void);
