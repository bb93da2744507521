#include "auth/jwt_form.h"
#include "base/text.h"
#include <string.h>

#define AUDIENCE "nwims-ingest"
static const int64_t leeway_us = 30 * 1000000, longest_us = 24 * 3600 * (int64_t)1000000;

static bool refuse(struct err *err, const char *text)
{
    return err_set(err, ERR_UNAUTHENTICATED, "%s", text);
}

/* SubjectPublicKeyInfo of a point of P-256 is these bytes and the point, uncompressed. */
void device_key_id(char key_id[DEVICE_KEY_ID_SIZE], const unsigned char point[P256_POINT_SIZE])
{
    static const unsigned char head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
    unsigned char der[sizeof head + P256_POINT_SIZE], digest[SHA256_SIZE];
    memcpy(der, head, sizeof head);
    memcpy(der + sizeof head, point, P256_POINT_SIZE);
    auth_sha256(digest, der, sizeof der);
    text_hex(key_id, digest, sizeof digest);
}

bool device_token_is_one(const char *text)
{
    const char *dot = strchr(text, '.');
    dot = dot ? strchr(dot + 1, '.') : NULL;
    return strncmp(text, "eyJ", 3) == 0 && dot && !strchr(dot + 1, '.');
}

bool device_token_key_id(const char *token, char key_id[DEVICE_KEY_ID_SIZE], struct err *err)
{
    AUTO_INPLACE(jwt_form) form = { 0 };
    return jwt_form_read(&form, token, DEVICE_TOKEN_LONGEST, "device's token", err) &&
           (text_copy(key_id, DEVICE_KEY_ID_SIZE, form.key_id, strlen(form.key_id)) ||
               refuse(err, "the device's token names no key that there is"));
}

/* Of those that need not be there. */
static bool is_begun(jwt_t *jwt, const char *name, int64_t now_us)
{
    int64_t at;
    bool is_absent;
    return jwt_claim_time(&at, jwt, name, &is_absent) && (is_absent || at <= now_us + leeway_us);
}

bool device_token_verify(const char *token, const unsigned char point[P256_POINT_SIZE], int64_t now_us,
    struct device_claims *out_claims, struct err *err)
{
    AUTO_INPLACE(jwt_form) form = { 0 };
    AUTO(signing_key) key = NULL;
    struct device_claims claims;
    if (!jwt_form_read(&form, token, DEVICE_TOKEN_LONGEST, "device's token", err))
        return false;
    if (!signing_key_from_point(&key, point, err))
        return err_set(err, ERR_BUG, "a device's key is no point of P-256");
    if (!jwt_form_verify(&form, key))
        return refuse(err, "the signature of the device's token is wrong");
    if (!jwt_claim_is(form.jwt, "aud", AUDIENCE))
        return refuse(err, "the device's token was made for someone else: its aud must be " AUDIENCE);
    if (!jwt_claim_text(claims.subject, sizeof claims.subject, form.jwt, "sub") ||
        !jwt_claim_time(&claims.expires_at, form.jwt, "exp", NULL))
        return refuse(err, "the device's token needs sub and exp");
    if (claims.expires_at <= now_us)
        return refuse(err, "the device's token has expired");
    if (claims.expires_at > now_us + longest_us + leeway_us)
        return refuse(err, "the device's token is good for more than 24 hours");
    if (!is_begun(form.jwt, "nbf", now_us) || !is_begun(form.jwt, "iat", now_us))
        return refuse(err, "the device's token is not valid yet");
    *out_claims = claims;
    return true;
}
