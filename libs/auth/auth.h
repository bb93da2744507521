/* Who is asking: access tokens (ES256), password hashes, random secrets and their verifiers, permissions, wrapping of
 * keys. Any thread unless said. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"

/* ---- digests and secrets ----------------------------------------------------------------------------------------- */
enum { SHA256_SIZE = 32 };
void auth_sha256(unsigned char digest[SHA256_SIZE], const void *data, size_t size);
MUST_CHECK bool auth_equal(const void *left, const void *right, size_t size); /* constant time */
/* prefix + 43 characters of base64url: 256 random bits. The verifier is the SHA-256 of the whole text. */
enum { AUTH_SECRET_TEXT_SIZE = 64 };
void auth_secret_new(char text[AUTH_SECRET_TEXT_SIZE], const char *prefix);
MUST_CHECK bool auth_base64url_encode(struct buffer *out, const void *data, size_t size);
MUST_CHECK bool auth_base64url_decode(struct buffer *out, const char *text, size_t length, struct err *err);

/* ---- passwords: Argon2id (RFC 9106, 19 MiB, 2 passes, 1 lane) ---------------------------------------------------- */
enum { PASSWORD_HASH_SIZE = 128 };
MUST_CHECK bool password_hash(char hash[PASSWORD_HASH_SIZE], const char *password, struct err *err);
/* Takes as long for a hash of NULL (no such user) as for a real one. */
MUST_CHECK bool password_matches(const char *hash, const char *password);

/* ---- wrapping: AES-256-GCM under a master key -------------------------------------------------------------------- */
enum { MASTER_KEY_SIZE = 32 };
/* 64 hex digits. */
MUST_CHECK bool master_key_parse(unsigned char key[MASTER_KEY_SIZE], const char *text, struct err *err);
/* nonce (12) + ciphertext + tag (16); context is authenticated with it (what the secret is for). */
MUST_CHECK bool secret_wrap(struct buffer *out, const unsigned char key[MASTER_KEY_SIZE], const char *context,
    const void *secret, size_t size, struct err *err);
MUST_CHECK bool secret_unwrap(struct buffer *out, const unsigned char key[MASTER_KEY_SIZE], const char *context,
    const void *wrapped, size_t size, struct err *err);

/* ---- signing keys ------------------------------------------------------------------------------------------------ */
struct signing_key; /* an EC P-256 key pair, or only its public half */
MUST_CHECK bool signing_key_new(struct signing_key **out_key, struct err *err);
void signing_key_free(struct signing_key *key);
AUTO_DEFINE(signing_key, signing_key_free)
MUST_CHECK bool signing_key_to_pem(const struct signing_key *key, struct buffer *out, struct err *err); /* private */
MUST_CHECK bool signing_key_from_pem(struct signing_key **out_key, const char *pem, size_t size, struct err *err);
/* base64url coordinates, as in a JWK. */
MUST_CHECK bool signing_key_public(const struct signing_key *key, char x[48], char y[48], struct err *err);
MUST_CHECK bool signing_key_from_public(struct signing_key **out_key, const char *x, const char *y, struct err *err);
/* The public half as bytes: X and Y side by side. From PEM ("BEGIN PUBLIC KEY"), if it is on P-256: ERR_INPUT else. */
enum { P256_POINT_SIZE = 64 };
MUST_CHECK bool signing_key_from_point(
    struct signing_key **out_key, const unsigned char point[P256_POINT_SIZE], struct err *err);
MUST_CHECK bool signing_key_point_of_pem(
    unsigned char point[P256_POINT_SIZE], const char *pem, size_t size, struct err *err);
/* ES256 (RFC 7518, 3.4): R and S side by side, as JWS has them. */
enum { ES256_SIGNATURE_SIZE = 64 };
MUST_CHECK bool signing_key_sign(const struct signing_key *key, const void *data, size_t size,
    unsigned char signature[ES256_SIGNATURE_SIZE], struct err *err);
MUST_CHECK bool signing_key_verify(
    const struct signing_key *key, const void *data, size_t size, const unsigned char signature[ES256_SIGNATURE_SIZE]);

/* ---- access tokens ----------------------------------------------------------------------------------------------- */
enum { ACCESS_TOKEN_LONGEST = 8192, CLAIM_TEXT_SIZE = 64, CLAIM_PERMISSIONS_SIZE = 1024, CLAIM_GRANTS_SIZE = 4096 };
struct access_claims {
    char subject[CLAIM_TEXT_SIZE]; /* user id, or "key:<id>" where an API key stands for a token */
    char token_id[CLAIM_TEXT_SIZE];
    char session_id[CLAIM_TEXT_SIZE]; /* of the login; "" for an API key */
    int32_t tenant_id;
    int32_t subject_epoch, tenant_epoch;      /* what was revoked raised the number: see revocation in identity */
    char roles[256];                          /* "operator analyst" */
    char permissions[CLAIM_PERMISSIONS_SIZE]; /* in the whole tenant: "sensors:read readings:write ..." */
    char grants[CLAIM_GRANTS_SIZE];           /* in parts of it: see auth/grants.h */
    int64_t issued_at;                        /* microseconds since the epoch */
    int64_t expires_at;
};
/* ES256, header with kid, claims iss "nwims", aud "nwims-api", sub, jti, sid, tid, roles, perm (only if it is not what
 * the built-in roles give), grants, sep, tep, iat, nbf, exp. ERR_LIMIT if it would be longer than ACCESS_TOKEN_LONGEST.
 */
MUST_CHECK bool access_token_sign(struct buffer *out, const struct signing_key *key, const char *key_id,
    const struct access_claims *claims, struct err *err);
/* The key id in a token's header, after checking length, form and that alg is exactly ES256; ERR_UNAUTHENTICATED else.
 */
MUST_CHECK bool access_token_key_id(const char *token, char key_id[CLAIM_TEXT_SIZE], struct err *err);
/* Signature, then exp, nbf, iss, aud with 30 s of leeway for nbf and iat only. ERR_UNAUTHENTICATED with a text fit for
 * the caller. */
MUST_CHECK bool access_token_verify(const char *token, const struct signing_key *key, int64_t now_us,
    struct access_claims *out_claims, struct err *err);

/* ---- tokens that devices make with a key of their own ------------------------------------------------------------ */
enum { DEVICE_TOKEN_LONGEST = 1024, DEVICE_KEY_ID_SIZE = 2 * SHA256_SIZE + 1 };
/* What a device's token names its key by (kid): the SHA-256 of the public key in DER form, in lower-case hexadecimal.
 */
void device_key_id(char key_id[DEVICE_KEY_ID_SIZE], const unsigned char point[P256_POINT_SIZE]);
/* Whether a text has the form of a JWT: header, payload and signature, not that it is worth anything. */
MUST_CHECK bool device_token_is_one(const char *text);
/* The kid, after checking length, form and that alg is exactly ES256; ERR_UNAUTHENTICATED else. */
MUST_CHECK bool device_token_key_id(const char *token, char key_id[DEVICE_KEY_ID_SIZE], struct err *err);
struct device_claims {
    char subject[CLAIM_TEXT_SIZE + 1]; /* the device's id or code */
    int64_t expires_at;
};
/* Signature, then aud "nwims-ingest", exp, at most 24 hours ahead; nbf and iat, where they are, with 30 s of leeway.
 * ERR_UNAUTHENTICATED with a text fit for the caller. */
MUST_CHECK bool device_token_verify(const char *token, const unsigned char point[P256_POINT_SIZE], int64_t now_us,
    struct device_claims *out_claims, struct err *err);

/* Verified tokens by their hash, until they expire: a signature costs 50 us and more to check, a hit about 1 us. Holds
 * at most so many, and at most so many bytes of claims. Any thread. */
struct token_cache;
MUST_CHECK struct token_cache *token_cache_new(size_t ceiling, size_t ceiling_bytes);
void token_cache_free(struct token_cache *cache);
AUTO_DEFINE(token_cache, token_cache_free)
MUST_CHECK bool token_cache_get(
    struct token_cache *cache, const char *token, int64_t now_us, struct access_claims *out_claims);
void token_cache_put(struct token_cache *cache, const char *token, const struct access_claims *claims);
void token_cache_clear(struct token_cache *cache);

/* ---- permissions: <noun>:<verb> ---------------------------------------------------------------------------------- */
/* Whether the list (separated by one space) holds the permission itself, "<noun>:*" or "*:*". NULL or "" needed: always
 * true. */
MUST_CHECK bool permission_granted(const char *permissions, const char *needed);
/* Whether the list grants every permission of the other one. */
MUST_CHECK bool permission_covers(const char *permissions, const char *others);
/* Appends what of others is not granted yet; ERR_LIMIT if that does not fit. */
MUST_CHECK bool permission_join(char permissions[CLAIM_PERMISSIONS_SIZE], const char *others, struct err *err);
/* The permissions of a built-in role, "" if there is no such role. */
const char *role_permissions(const char *role);
/* The built-in roles, NULL-terminated. */
extern const char *const role_names[];
/* One line for people about a built-in role. */
const char *role_description(const char *role);
/* Every permission that there is, { 0 } last; "<noun>:*" and "*:*" are not listed. */
struct permission_info {
    const char *name;
    const char *description;
};
extern const struct permission_info permission_catalogue[];
/* Whether it is in the catalogue, or is "<noun>:*" of a noun that is, or "*:*". */
MUST_CHECK bool permission_exists(const char *permission);
