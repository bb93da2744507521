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
/* ES256 (RFC 7518, 3.4): R and S side by side, as JWS has them. */
enum { ES256_SIGNATURE_SIZE = 64 };
MUST_CHECK bool signing_key_sign(const struct signing_key *key, const void *data, size_t size,
    unsigned char signature[ES256_SIGNATURE_SIZE], struct err *err);
MUST_CHECK bool signing_key_verify(
    const struct signing_key *key, const void *data, size_t size, const unsigned char signature[ES256_SIGNATURE_SIZE]);

/* ---- access tokens ----------------------------------------------------------------------------------------------- */
enum { ACCESS_TOKEN_LONGEST = 4096, CLAIM_TEXT_SIZE = 64, CLAIM_PERMISSIONS_SIZE = 1024 };
struct access_claims {
    char subject[CLAIM_TEXT_SIZE]; /* user id */
    char token_id[CLAIM_TEXT_SIZE];
    int32_t tenant_id;
    char roles[256];                          /* "operator analyst" */
    char permissions[CLAIM_PERMISSIONS_SIZE]; /* "sensors:read readings:write ...", separated by one space */
    int64_t issued_at;                        /* microseconds since the epoch */
    int64_t expires_at;
};
/* ES256, header with kid, claims iss "nwims", aud "nwims-api", sub, jti, tid, roles, perm, iat, nbf, exp. */
MUST_CHECK bool access_token_sign(struct buffer *out, const struct signing_key *key, const char *key_id,
    const struct access_claims *claims, struct err *err);
/* The key id in a token's header, after checking length, form and that alg is exactly ES256; ERR_UNAUTHENTICATED else.
 */
MUST_CHECK bool access_token_key_id(const char *token, char key_id[CLAIM_TEXT_SIZE], struct err *err);
/* Signature, then exp, nbf, iss, aud with 30 s of leeway for nbf and iat only. ERR_UNAUTHENTICATED with a text fit for
 * the caller. */
MUST_CHECK bool access_token_verify(const char *token, const struct signing_key *key, int64_t now_us,
    struct access_claims *out_claims, struct err *err);

/* Verified tokens by their hash, until they expire: a signature costs 50 us and more to check, a hit about 1 us. Any
 * thread. */
struct token_cache;
MUST_CHECK struct token_cache *token_cache_new(size_t ceiling);
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
/* The permissions of a built-in role, "" if there is no such role. */
const char *role_permissions(const char *role);
/* What the roles together may do, without repetitions; ERR_BUG if that does not fit, ERR_INPUT for a role that is not
 * built in. */
MUST_CHECK bool role_permissions_join(
    char permissions[CLAIM_PERMISSIONS_SIZE], const char *const *roles, size_t count, struct err *err);
/* The built-in roles, NULL-terminated. */
extern const char *const role_names[];
