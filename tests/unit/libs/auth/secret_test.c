/* Digests, base64url, secrets, wrapping and passwords. */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char master[MASTER_KEY_SIZE] = "0123456789abcdef0123456789abcde";

static void sha256_is_the_standards(void **state)
{
    unsigned char digest[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    (void)state;
    auth_sha256(digest, "abc", 3); /* FIPS 180-4 */
    text_hex(hex, digest, sizeof digest);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(auth_equal("abc", "abd", 2));
    assert_false(auth_equal("abc", "abd", 3));
}

static void base64url_is_rfc_4648(void **state)
{
    static const struct {
        const char *plain, *encoded;
    } cases[] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" },
        { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "-__-" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        AUTO_INPLACE(buffer) encoded = { 0 };
        AUTO_INPLACE(buffer) plain = { 0 };
        size_t size = strlen(cases[i].plain);
        assert_true(auth_base64url_encode(&encoded, cases[i].plain, size));
        assert_int_equal(encoded.size, strlen(cases[i].encoded));
        assert_memory_equal(encoded.data ? encoded.data : "", cases[i].encoded, encoded.size);
        assert_true(auth_base64url_decode(&plain, cases[i].encoded, encoded.size, &err));
        assert_int_equal(plain.size, size);
        assert_memory_equal(plain.data ? plain.data : "", cases[i].plain, size);
    }
}

static void base64url_is_strict(void **state)
{
    static const char *const bad[] = { "Z", "Zg==", "Zh", "Zm9", "Zm9v\n", "Zm 9", "Zm+v", "Zm/v", "Zm9vY" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = { 0 };
        AUTO_INPLACE(buffer) plain = { 0 };
        if (auth_base64url_decode(&plain, bad[i], strlen(bad[i]), &err))
            fail_msg("%s was decoded", bad[i]);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_int_equal(plain.size, 0);
    }
    struct err err = { 0 };
    AUTO_INPLACE(buffer) small = { .ceiling_bytes = 1 };
    assert_false(auth_base64url_decode(&small, "Zm9vYmFy", 8, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void secrets_differ_and_bear_their_prefix(void **state)
{
    char one[AUTH_SECRET_TEXT_SIZE], two[AUTH_SECRET_TEXT_SIZE];
    (void)state;
    auth_secret_new(one, "nwr_");
    auth_secret_new(two, "nwr_");
    assert_int_equal(strlen(one), 47);
    assert_memory_equal(one, "nwr_", 4);
    assert_string_not_equal(one, two);
}

static void a_master_key_is_64_hex_digits(void **state)
{
    static const char good[] = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
    static const char *const bad[] = { "", "00", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00",
        "z00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" };
    unsigned char key[MASTER_KEY_SIZE];
    struct err err = { 0 };
    (void)state;
    assert_true(master_key_parse(key, good, &err));
    assert_int_equal(key[31], 0x1f);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(master_key_parse(key, bad[i], &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
    assert_false(master_key_parse(key, NULL, &err));
}

static void a_wrapped_secret_opens_again(void **state)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) wrapped = { 0 };
    AUTO_INPLACE(buffer) other = { 0 };
    AUTO_INPLACE(buffer) plain = { 0 };
    (void)state;
    assert_true(secret_wrap(&wrapped, master, "device 7", "a secret", 8, &err));
    assert_int_equal(wrapped.size, 12 + 8 + 16);
    assert_true(secret_unwrap(&plain, master, "device 7", wrapped.data, wrapped.size, &err));
    assert_int_equal(plain.size, 8);
    assert_memory_equal(plain.data, "a secret", 8);
    assert_true(secret_wrap(&other, master, "device 7", "a secret", 8, &err));
    assert_memory_not_equal(wrapped.data, other.data, wrapped.size); /* a nonce of its own */
}

static void a_changed_wrapped_secret_does_not_open(void **state)
{
    unsigned char other_key[MASTER_KEY_SIZE];
    struct err err = { 0 };
    AUTO_INPLACE(buffer) wrapped = { 0 };
    AUTO_INPLACE(buffer) plain = { 0 };
    (void)state;
    assert_true(secret_wrap(&wrapped, master, "device 7", "a secret", 8, &err));
    for (size_t i = 0; i < wrapped.size; i++) {
        wrapped.data[i] ^= 4;
        assert_false(secret_unwrap(&plain, master, "device 7", wrapped.data, wrapped.size, &err));
        wrapped.data[i] ^= 4;
    }
    assert_false(secret_unwrap(&plain, master, "device 8", wrapped.data, wrapped.size, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(secret_unwrap(&plain, master, "device 7", wrapped.data, wrapped.size - 1, &err));
    assert_false(secret_unwrap(&plain, master, "device 7", wrapped.data, 27, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    memcpy(other_key, master, sizeof other_key);
    other_key[0] ^= 1;
    assert_false(secret_unwrap(&plain, other_key, "device 7", wrapped.data, wrapped.size, &err));
    assert_int_equal(plain.size, 0);
}

static void wrapping_respects_the_ceiling(void **state)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) small = { .ceiling_bytes = 20 };
    (void)state;
    assert_false(secret_wrap(&small, master, "x", "a secret", 8, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void a_password_matches_its_hash_only(void **state)
{
    char hash[PASSWORD_HASH_SIZE], other[PASSWORD_HASH_SIZE];
    struct err err = { 0 };
    (void)state;
    assert_true(password_hash(hash, "correct horse battery", &err));
    assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_true(password_matches(hash, "correct horse battery"));
    assert_false(password_matches(hash, "correct horse batterz"));
    assert_false(password_matches(hash, ""));
    assert_true(password_hash(other, "correct horse battery", &err));
    assert_string_not_equal(hash, other); /* a salt of its own */
    assert_false(password_matches("no hash", "correct horse battery"));
}

static void nobody_takes_as_long_as_somebody(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    struct err err = { 0 };
    (void)state;
    assert_true(password_hash(hash, "correct horse battery", &err));
    /* The best of three, alternating, or of as many as it takes on a busy machine: other work must not decide. */
    int64_t somebody_us = INT64_MAX, nobody_us = INT64_MAX;
    for (int i = 0; i < 3 || (i < 50 && !(nobody_us > somebody_us / 2 && nobody_us < somebody_us * 2)); i++) {
        int64_t begin = clock_monotonic_us();
        assert_false(password_matches(hash, "wrong"));
        int64_t between = clock_monotonic_us();
        assert_false(password_matches(NULL, "wrong"));
        int64_t end = clock_monotonic_us();
        somebody_us = between - begin < somebody_us ? between - begin : somebody_us;
        nobody_us = end - between < nobody_us ? end - between : nobody_us;
    }
    assert_true(nobody_us > somebody_us / 2 && nobody_us < somebody_us * 2);
}

static void an_endless_password_is_refused(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    struct err err = { 0 };
    char *endless = malloc(2000);
    (void)state;
    assert_non_null(endless);
    memset(endless, 'x', 1999);
    endless[1999] = '\0';
    assert_false(password_hash(hash, endless, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(password_matches(NULL, endless));
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_the_standards),
        cmocka_unit_test(base64url_is_rfc_4648),
        cmocka_unit_test(base64url_is_strict),
        cmocka_unit_test(secrets_differ_and_bear_their_prefix),
        cmocka_unit_test(a_master_key_is_64_hex_digits),
        cmocka_unit_test(a_wrapped_secret_opens_again),
        cmocka_unit_test(a_changed_wrapped_secret_does_not_open),
        cmocka_unit_test(wrapping_respects_the_ceiling),
        cmocka_unit_test(a_password_matches_its_hash_only),
        cmocka_unit_test(nobody_takes_as_long_as_somebody),
        cmocka_unit_test(an_endless_password_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
