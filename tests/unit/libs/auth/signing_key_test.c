#include "auth/auth.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_key_survives_its_pem(void **state)
{
    struct err err = { 0 };
    AUTO(signing_key) key = NULL;
    AUTO(signing_key) again = NULL;
    AUTO_INPLACE(buffer) pem = { 0 };
    char x[48], y[48], again_x[48], again_y[48];
    (void)state;
    assert_true(signing_key_new(&key, &err));
    assert_true(signing_key_to_pem(key, &pem, &err));
    assert_true(signing_key_from_pem(&again, pem.data, pem.size, &err));
    assert_true(signing_key_public(key, x, y, &err));
    assert_true(signing_key_public(again, again_x, again_y, &err));
    assert_string_equal(x, again_x);
    assert_string_equal(y, again_y);
    assert_int_equal(strlen(x), 43);
    assert_int_equal(strlen(y), 43);
}

static void a_public_key_has_no_pem(void **state)
{
    struct err err = { 0 };
    AUTO(signing_key) key = NULL;
    AUTO(signing_key) half = NULL;
    AUTO_INPLACE(buffer) pem = { 0 };
    char x[48], y[48];
    (void)state;
    assert_true(signing_key_new(&key, &err));
    assert_true(signing_key_public(key, x, y, &err));
    assert_true(signing_key_from_public(&half, x, y, &err));
    assert_false(signing_key_to_pem(half, &pem, &err));
    assert_int_equal(err.kind, ERR_BUG);
}

static void coordinates_that_are_no_key_are_refused(void **state)
{
    static const char zero[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const struct {
        const char *x, *y;
    } cases[] = { { zero, zero }, { "", "" }, { "AAAA", zero },
        { zero, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
        { "____________________________________________", zero },
        { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", zero } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        struct signing_key *key = NULL;
        assert_false(signing_key_from_public(&key, cases[i].x, cases[i].y, &err));
        assert_int_equal(err.kind, ERR_INPUT);
        assert_null(key);
    }
}

static size_t other_pem(char *target, size_t size, EVP_PKEY *pkey, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, passphrase ? EVP_aes_128_cbc() : NULL, passphrase,
                         passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
        1);
    size_t length = (size_t)BIO_get_mem_data(bio, &text);
    assert_true(length < size);
    memcpy(target, text, length);
    target[length] = '\0';
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return length;
}

static void other_kinds_of_keys_are_refused(void **state)
{
    struct err err = { 0 };
    struct signing_key *key = NULL;
    char pem[8192];
    (void)state;
    size_t length = other_pem(pem, sizeof pem, EVP_EC_gen("P-384"), NULL);
    assert_false(signing_key_from_pem(&key, pem, length, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    length = other_pem(pem, sizeof pem, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
    assert_false(signing_key_from_pem(&key, pem, length, &err));
    length = other_pem(pem, sizeof pem, EVP_EC_gen("P-256"), "secret"); /* must not ask on the terminal */
    assert_false(signing_key_from_pem(&key, pem, length, &err));
    assert_false(signing_key_from_pem(&key, "nothing", 7, &err));
    memset(pem, 'A', sizeof pem);
    assert_false(signing_key_from_pem(&key, pem, sizeof pem, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_survives_its_pem),
        cmocka_unit_test(a_public_key_has_no_pem),
        cmocka_unit_test(coordinates_that_are_no_key_are_refused),
        cmocka_unit_test(other_kinds_of_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
