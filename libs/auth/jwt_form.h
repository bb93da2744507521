/* What every JWT that is taken here has in common, before its claims are believed: compact form of a bounded length,
 * alg exactly ES256, a kid, nothing critical. Inside of libs/auth only. */
#pragma once
#include "auth/auth_internal.h"
#include <jwt.h>

enum { JWT_KEY_ID_SIZE = DEVICE_KEY_ID_SIZE };
struct jwt_form {
    jwt_t *jwt; /* parsed; its claims are worth nothing before jwt_form_verify */
    const char *text;
    size_t signed_length;
    unsigned char signature[ES256_SIGNATURE_SIZE];
    char key_id[JWT_KEY_ID_SIZE];
};
/* what: for the errors' texts, "access token". ERR_UNAUTHENTICATED. */
MUST_CHECK bool jwt_form_read(
    struct jwt_form *out_form, const char *token, size_t longest, const char *what, struct err *err);
void jwt_form_done(struct jwt_form *form);
/* With OpenSSL and a parsed key: libjwt would choose the algorithm by what the token says. */
MUST_CHECK bool jwt_form_verify(const struct jwt_form *form, const struct signing_key *key);

MUST_CHECK bool jwt_claim_text(char *target, size_t size, jwt_t *jwt, const char *name);
MUST_CHECK bool jwt_claim_is(jwt_t *jwt, const char *name, const char *expected);
/* Whole seconds, not negative, of a year that there is. *out_is_absent: NULL, or whether it is not there (then 0 and
 * true). */
MUST_CHECK bool jwt_claim_time(int64_t *out_us, jwt_t *jwt, const char *name, bool *out_is_absent);
