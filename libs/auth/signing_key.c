#include "auth/auth_internal.h"
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

struct signing_key {
    EVP_PKEY *pkey;
    struct buffer pem; /* private; empty if we have only the public half. libjwt wants it as text for each signature. */
};

static void bio_free(BIO **bio)
{
    BIO_free(*bio);
}
#define AUTO_BIO __attribute__((cleanup(bio_free))) BIO *

static struct signing_key *key_alloc(void)
{
    struct signing_key *key = calloc(1, sizeof *key);
    if (key)
        buffer_init(&key->pem, 8192);
    return key;
}

void signing_key_free(struct signing_key *key)
{
    if (!key)
        return;
    if (key->pem.data)
        OPENSSL_cleanse(key->pem.data, key->pem.size);
    buffer_done(&key->pem);
    EVP_PKEY_free(key->pkey);
    free(key);
}

static bool keep_pem(struct signing_key *key, struct err *err)
{
    AUTO_BIO bio = BIO_new(BIO_s_secmem());
    char *text;
    if (!bio || !PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL))
        return err_set(err, ERR_BUG, "cannot write a signing key: %s", openssl_reason());
    long size = BIO_get_mem_data(bio, &text);
    buffer_put(&key->pem, text, (size_t)size);
    return buffer_ok(&key->pem) || err_set(err, ERR_LIMIT, "no room for a signing key");
}

bool signing_key_new(struct signing_key **out_key, struct err *err)
{
    AUTO(signing_key) key = key_alloc();
    if (!key)
        return err_set(err, ERR_LIMIT, "no memory for a signing key");
    key->pkey = EVP_EC_gen("P-256");
    if (!key->pkey)
        return err_set(err, ERR_BUG, "cannot make a signing key: %s", openssl_reason());
    if (!keep_pem(key, err))
        return false;
    *out_key = TAKE(key);
    return true;
}

bool signing_key_to_pem(const struct signing_key *key, struct buffer *out, struct err *err)
{
    if (key->pem.size == 0)
        return err_set(err, ERR_BUG, "this signing key has no private half");
    buffer_put(out, key->pem.data, key->pem.size);
    return buffer_ok(out) || err_set(err, ERR_LIMIT, "no room for a signing key");
}

const char *signing_key_pem(const struct signing_key *key, size_t *out_size)
{
    *out_size = key->pem.size;
    return key->pem.size ? key->pem.data : NULL;
}

/* Without this OpenSSL would ask on the terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *target, int size, int writing, void *context)
{
    (void)target, (void)size, (void)writing, (void)context;
    return -1;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32];
    size_t length;
    return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
           EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &length) &&
           strcmp(group, "prime256v1") == 0;
}

bool signing_key_from_pem(struct signing_key **out_key, const char *pem, size_t size, struct err *err)
{
    if (size > 8000)
        return err_set(err, ERR_INPUT, "%zu bytes are no signing key", size);
    AUTO_BIO bio = BIO_new_mem_buf(pem, (int)size);
    AUTO(signing_key) key = key_alloc();
    if (!bio || !key)
        return err_set(err, ERR_LIMIT, "no memory for a signing key");
    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    if (!key->pkey)
        return err_set(err, ERR_INPUT, "no private key in PEM form: %s", openssl_reason());
    if (!is_p256(key->pkey))
        return err_set(err, ERR_INPUT, "the signing key is not on the curve P-256");
    if (!keep_pem(key, err))
        return false;
    *out_key = TAKE(key);
    return true;
}

static bool number_of(unsigned char target[P256_COORDINATE_SIZE], const EVP_PKEY *pkey, const char *name)
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, name, &number) &&
              BN_bn2binpad(number, target, P256_COORDINATE_SIZE) == P256_COORDINATE_SIZE;
    BN_free(number);
    return ok;
}

static bool coordinate(char target[48], const EVP_PKEY *pkey, const char *name, struct err *err)
{
    unsigned char bytes[P256_COORDINATE_SIZE];
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = 128 };
    if (!number_of(bytes, pkey, name) || !auth_base64url_encode(&text, bytes, sizeof bytes))
        return err_set(err, ERR_BUG, "cannot read a public key: %s", openssl_reason());
    memcpy(target, text.data, text.size + 1);
    return true;
}

bool signing_key_public(const struct signing_key *key, char x[48], char y[48], struct err *err)
{
    return coordinate(x, key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, err) &&
           coordinate(y, key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, err);
}

static bool read_coordinate(unsigned char target[P256_COORDINATE_SIZE], const char *text)
{
    size_t length = strnlen(text, 64);
    return base64url_decoded_size(length) == P256_COORDINATE_SIZE && base64url_read(target, text, length);
}

/* NULL also if the point is not on the curve. */
static EVP_PKEY *key_of_point(unsigned char *point, size_t size)
{
    char group[] = "prime256v1";
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, size), OSSL_PARAM_construct_end() };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context && EVP_PKEY_fromdata_init(context) > 0 &&
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    return pkey;
}

static bool key_from_point(struct signing_key **out_key, unsigned char *point, size_t size, struct err *err)
{
    AUTO(signing_key) key = key_alloc();
    if (!key)
        return err_set(err, ERR_LIMIT, "no memory for a signing key");
    key->pkey = key_of_point(point, size);
    if (!key->pkey)
        return err_set(err, ERR_INPUT, "the coordinates are no point of P-256: %s", openssl_reason());
    *out_key = TAKE(key);
    return true;
}

bool signing_key_from_point(struct signing_key **out_key, const unsigned char point[P256_POINT_SIZE], struct err *err)
{
    unsigned char whole[1 + P256_POINT_SIZE] = { POINT_CONVERSION_UNCOMPRESSED };
    memcpy(whole + 1, point, P256_POINT_SIZE);
    return key_from_point(out_key, whole, sizeof whole, err);
}

bool signing_key_point_of_pem(unsigned char point[P256_POINT_SIZE], const char *pem, size_t size, struct err *err)
{
    if (size > 8000)
        return err_set(err, ERR_INPUT, "%zu bytes are no public key", size);
    AUTO_BIO bio = BIO_new_mem_buf(pem, (int)size);
    if (!bio)
        return err_set(err, ERR_LIMIT, "no memory for a public key");
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    bool ok = pkey && is_p256(pkey) && number_of(point, pkey, OSSL_PKEY_PARAM_EC_PUB_X) &&
              number_of(point + P256_COORDINATE_SIZE, pkey, OSSL_PKEY_PARAM_EC_PUB_Y);
    EVP_PKEY_free(pkey);
    (void)openssl_reason();
    return ok || err_set(err, ERR_INPUT, "no public key on the curve P-256 in PEM form");
}

bool signing_key_from_public(struct signing_key **out_key, const char *x, const char *y, struct err *err)
{
    unsigned char point[1 + 2 * P256_COORDINATE_SIZE] = { POINT_CONVERSION_UNCOMPRESSED };
    if (!read_coordinate(point + 1, x) || !read_coordinate(point + 1 + P256_COORDINATE_SIZE, y))
        return err_set(err, ERR_INPUT, "the coordinates of a P-256 key are 32 bytes of base64url each");
    return key_from_point(out_key, point, sizeof point, err);
}

/* JWS has R and S side by side, OpenSSL wants them in DER. */
static int signature_to_der(unsigned char der[80], const unsigned char signature[ES256_SIGNATURE_SIZE])
{
    ECDSA_SIG *parts = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, P256_COORDINATE_SIZE, NULL);
    BIGNUM *s = BN_bin2bn(signature + P256_COORDINATE_SIZE, P256_COORDINATE_SIZE, NULL);
    if (!parts || !r || !s || !ECDSA_SIG_set0(parts, r, s)) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(parts);
        return 0;
    }
    int size = i2d_ECDSA_SIG(parts, &der); /* at most 72 bytes */
    ECDSA_SIG_free(parts);
    return size;
}

static bool signature_from_der(unsigned char signature[ES256_SIGNATURE_SIZE], const unsigned char *der, size_t size)
{
    const BIGNUM *r = NULL, *s = NULL;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)size);
    if (parts)
        ECDSA_SIG_get0(parts, &r, &s);
    bool ok = parts && BN_bn2binpad(r, signature, P256_COORDINATE_SIZE) == P256_COORDINATE_SIZE &&
              BN_bn2binpad(s, signature + P256_COORDINATE_SIZE, P256_COORDINATE_SIZE) == P256_COORDINATE_SIZE;
    ECDSA_SIG_free(parts);
    return ok;
}

bool signing_key_sign(const struct signing_key *key, const void *data, size_t size,
    unsigned char signature[ES256_SIGNATURE_SIZE], struct err *err)
{
    unsigned char digest[SHA256_SIZE], der[80];
    size_t der_size = sizeof der;
    auth_sha256(digest, data, size);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool ok = context && EVP_PKEY_sign_init(context) > 0 &&
              EVP_PKEY_sign(context, der, &der_size, digest, sizeof digest) > 0 &&
              signature_from_der(signature, der, der_size);
    EVP_PKEY_CTX_free(context);
    return ok || err_set(err, ERR_BUG, "cannot sign: %s", openssl_reason());
}

bool signing_key_verify(
    const struct signing_key *key, const void *data, size_t size, const unsigned char signature[ES256_SIGNATURE_SIZE])
{
    unsigned char digest[SHA256_SIZE], der[80];
    int der_size = signature_to_der(der, signature);
    if (der_size <= 0)
        return false;
    auth_sha256(digest, data, size);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool ok = context && EVP_PKEY_verify_init(context) > 0 &&
              EVP_PKEY_verify(context, der, (size_t)der_size, digest, sizeof digest) == 1;
    EVP_PKEY_CTX_free(context);
    if (!ok)
        (void)openssl_reason();
    return ok;
}
