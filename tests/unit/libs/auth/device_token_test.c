/* Tokens that devices make themselves, each signed here with libjwt and OpenSSL as a device would. */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/text.h"
#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

enum { SECOND_US = 1000000 };
static int64_t now_us; /* the real one: libjwt puts it into iat where there is none */
static struct pair {
    char private_pem[1024], public_pem[1024];
    unsigned char point[P256_POINT_SIZE];
    char key_id[DEVICE_KEY_ID_SIZE];
} device, stranger;

static void put_pem(char text[1024], BIO *bio)
{
    int size = BIO_read(bio, text, 1023);
    assert_true(size > 0);
    text[size] = '\0';
    BIO_free(bio);
}

static void make_pair(struct pair *pair, const char *group)
{
    struct err err = { 0 };
    EVP_PKEY *key = EVP_EC_gen(group);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    put_pem(pair->private_pem, bio);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    put_pem(pair->public_pem, bio);
    EVP_PKEY_free(key);
    if (signing_key_point_of_pem(pair->point, pair->public_pem, strlen(pair->public_pem), &err))
        device_key_id(pair->key_id, pair->point);
}

static int make_keys(void **state)
{
    (void)state;
    now_us = clock_now_us();
    make_pair(&device, "P-256");
    make_pair(&stranger, "P-256");
    return 0;
}

struct wish {
    const char *name;
    const char *audience, *subject;        /* NULL: absent */
    int64_t expires_s, begins_s, issued_s; /* from now; 0: absent */
    jwt_alg_t alg;
    const struct pair *signer; /* of ES256; else the key's text is public_pem */
    const char *key_id;
    bool is_good;
};

static char *sign(const struct wish *wish)
{
    const char *pem = wish->alg == JWT_ALG_ES256 ? wish->signer->private_pem : wish->signer->public_pem;
    int64_t now_s = now_us / SECOND_US;
    jwt_t *jwt;
    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_set_alg(jwt, wish->alg, wish->alg == JWT_ALG_NONE ? NULL : (const unsigned char *)pem,
                         wish->alg == JWT_ALG_NONE ? 0 : (int)strlen(pem)),
        0);
    jwt_add_header(jwt, "kid", wish->key_id ? wish->key_id : device.key_id);
    if (wish->audience)
        jwt_add_grant(jwt, "aud", wish->audience);
    if (wish->subject)
        jwt_add_grant(jwt, "sub", wish->subject);
    if (wish->expires_s)
        jwt_add_grant_int(jwt, "exp", (long)(now_s + wish->expires_s));
    if (wish->begins_s)
        jwt_add_grant_int(jwt, "nbf", (long)(now_s + wish->begins_s));
    if (wish->issued_s)
        jwt_add_grant_int(jwt, "iat", (long)(now_s + wish->issued_s));
    char *token = jwt_encode_str(jwt);
    assert_non_null(token);
    jwt_free(jwt);
    return token;
}

#define DEVICE .signer = &device, .alg = JWT_ALG_ES256
#define OURS .audience = "nwims-ingest", .subject = "METER-7"
static void a_device_token_is_held_against_key_audience_and_time(void **state)
{
    static const struct wish wishes[] = {
        { "a good one", OURS, .expires_s = 3600, DEVICE, .is_good = true },
        { "with all times", OURS, .expires_s = 86400, .begins_s = -5, .issued_s = -5, DEVICE, .is_good = true },
        { "made for the API", .audience = "nwims-api", .subject = "METER-7", .expires_s = 3600, DEVICE },
        { "made for nobody", .subject = "METER-7", .expires_s = 3600, DEVICE },
        { "of no device", .audience = "nwims-ingest", .expires_s = 3600, DEVICE },
        { "expired", OURS, .expires_s = -1, DEVICE },
        { "that never ends", OURS, DEVICE },
        { "good for two days", OURS, .expires_s = 2 * 86400, DEVICE },
        { "not valid yet", OURS, .expires_s = 3600, .begins_s = 60, DEVICE },
        { "of the future", OURS, .expires_s = 3600, .issued_s = 60, DEVICE },
        { "of another key", OURS, .expires_s = 3600, .signer = &stranger, .alg = JWT_ALG_ES256 },
        { "HS256 keyed with the public key", OURS, .expires_s = 3600, .signer = &device, .alg = JWT_ALG_HS256 },
        { "unsigned", OURS, .expires_s = 3600, .signer = &device, .alg = JWT_ALG_NONE },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wishes); i++) {
        struct err err = { 0 };
        struct device_claims claims;
        char *token = sign(&wishes[i]);
        bool is_good = device_token_verify(token, device.point, now_us, &claims, &err);
        if (is_good != wishes[i].is_good)
            fail_msg("a token %s: %s", wishes[i].name, err.text);
        if (is_good)
            assert_string_equal(claims.subject, "METER-7");
        else
            assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        free(token);
    }
}

static void only_es256_names_a_key(void **state)
{
    struct wish wish = { "", OURS, .expires_s = 3600, DEVICE };
    char key_id[DEVICE_KEY_ID_SIZE];
    struct err err = { 0 };
    char *token = sign(&wish);
    (void)state;
    assert_true(device_token_is_one(token));
    assert_true(device_token_key_id(token, key_id, &err));
    assert_string_equal(key_id, device.key_id);
    for (size_t length = strlen(token); length-- > 0;) { /* cut anywhere */
        struct device_claims claims;
        token[length] = '\0';
        assert_false(device_token_verify(token, device.point, now_us, &claims, &err));
    }
    free(token);
    wish.alg = JWT_ALG_HS256;
    token = sign(&wish);
    assert_false(device_token_key_id(token, key_id, &err));
    free(token);
    assert_false(device_token_is_one("nwd_token"));
    assert_false(device_token_is_one("eyJ.a.b.c"));
    char *longest = malloc(9000001);
    memset(longest, 'e', 9000000);
    longest[9000000] = '\0';
    memcpy(longest, "eyJhIjoxfQ.e", 12);
    longest[8999000] = '.';
    assert_false(device_token_key_id(longest, key_id, &err));
    free(longest);
}

static void a_keys_name_is_the_hash_of_its_der_form(void **state)
{
    /* openssl pkey -pubin -outform DER | sha256sum */
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                              "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                              "-----END PUBLIC KEY-----\n"; /* the base point */
    unsigned char point[P256_POINT_SIZE];
    char key_id[DEVICE_KEY_ID_SIZE], wanted[DEVICE_KEY_ID_SIZE];
    struct err err = { 0 };
    struct pair other;
    (void)state;
    assert_true(signing_key_point_of_pem(point, pem, strlen(pem), &err));
    assert_memory_equal(point, "\x6b\x17\xd1\xf2", 4);
    device_key_id(key_id, point);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    unsigned char *der = NULL, digest[SHA256_SIZE];
    int size = i2d_PUBKEY(key, &der);
    auth_sha256(digest, der, (size_t)size);
    text_hex(wanted, digest, sizeof digest);
    assert_string_equal(key_id, wanted);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    BIO_free(bio);
    make_pair(&other, "P-384");
    assert_false(signing_key_point_of_pem(point, other.public_pem, strlen(other.public_pem), &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(signing_key_point_of_pem(point, "no key", 6, &err));
    assert_false(signing_key_point_of_pem(point, device.private_pem, strlen(device.private_pem), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_token_is_held_against_key_audience_and_time),
        cmocka_unit_test(only_es256_names_a_key),
        cmocka_unit_test(a_keys_name_is_the_hash_of_its_der_form),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
