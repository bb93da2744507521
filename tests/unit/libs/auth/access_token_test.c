#include "auth/auth.h"
#include "base/clock.h"
#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t second_us = 1000000;
static const int64_t now_us = 1790000000 * (int64_t)1000000;

static struct {
    struct signing_key *key;      /* private and public */
    struct signing_key *verifier; /* the public half, as the gateway has it */
    struct signing_key *stranger;
} keys;

static struct access_claims good_claims(void)
{
    return (struct access_claims){ .subject = "0190b8a0-0000-7000-8000-000000000001",
        .token_id = "token-1",
        .session_id = "session-1",
        .subject_epoch = 3,
        .tenant_epoch = 4,
        .grants = "m:0190b8a0-0000-7000-8000-000000000002=alerts:write",
        .tenant_id = 7,
        .roles = "operator analyst",
        .permissions = "sensors:read readings:write",
        .issued_at = now_us - 10 * second_us,
        .expires_at = now_us + 900 * second_us };
}

static int make_keys(void **state)
{
    struct err err = { 0 };
    char x[48], y[48];
    (void)state;
    return signing_key_new(&keys.key, &err) && signing_key_new(&keys.stranger, &err) &&
                   signing_key_public(keys.key, x, y, &err) && signing_key_from_public(&keys.verifier, x, y, &err)
               ? 0
               : -1;
}

static int free_keys(void **state)
{
    (void)state;
    signing_key_free(keys.key);
    signing_key_free(keys.verifier);
    signing_key_free(keys.stranger);
    return 0;
}

static void sign(struct buffer *out, const struct access_claims *claims)
{
    struct err err = { 0 };
    buffer_init(out, 0);
    assert_true(access_token_sign(out, keys.key, "key-1", claims, &err));
}

static bool is_good(const char *token, struct err *err)
{
    struct access_claims claims;
    return access_token_verify(token, keys.verifier, now_us, &claims, err);
}

static void a_signed_token_gives_its_claims_back(void **state)
{
    struct access_claims in = good_claims(), out;
    char key_id[CLAIM_TEXT_SIZE];
    struct err err = { 0 };
    AUTO_INPLACE(buffer) token;
    (void)state;
    sign(&token, &in);
    assert_true(access_token_key_id(token.data, key_id, &err));
    assert_string_equal(key_id, "key-1");
    assert_true(access_token_verify(token.data, keys.verifier, now_us, &out, &err));
    assert_string_equal(out.subject, in.subject);
    assert_string_equal(out.token_id, in.token_id);
    assert_string_equal(out.session_id, in.session_id);
    assert_string_equal(out.grants, in.grants);
    assert_int_equal(out.subject_epoch, 3);
    assert_int_equal(out.tenant_epoch, 4);
    assert_int_equal(out.tenant_id, 7);
    assert_string_equal(out.roles, in.roles);
    assert_string_equal(out.permissions, in.permissions);
    assert_int_equal(out.issued_at, in.issued_at);
    assert_int_equal(out.expires_at, in.expires_at);
}

static void permissions_come_back_whether_roles_give_them_or_not(void **state)
{
    static const struct {
        const char *roles, *permissions; /* NULL: what the roles give */
        bool is_short;
    } cases[] = {
        { "tenant_admin", NULL, true },
        { "national_admin", NULL, true },
        { "viewer technician", NULL, true },
        { "tenant_admin", "", false }, /* the role holds in a region only */
        { "tenant_admin", "sensors:read", false },
        { "viewer", "*:*", false },
        { "pump-crew", "devices:write", false },
        { "viewer pump-crew", NULL, true }, /* a role of their own that gives nothing more */
        { "", "", false },
    };
    struct err err = { 0 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct access_claims in = good_claims(), out;
        AUTO_INPLACE(buffer) token, payload = { 0 };
        snprintf(in.roles, sizeof in.roles, "%s", cases[i].roles);
        in.permissions[0] = '\0';
        if (cases[i].permissions)
            snprintf(in.permissions, sizeof in.permissions, "%s", cases[i].permissions);
        else
            for (const char *const *role = role_names; *role; role++)
                assert_true(!strstr(in.roles, *role) || permission_join(in.permissions, role_permissions(*role), &err));
        sign(&token, &in);
        assert_true(access_token_verify(token.data, keys.verifier, now_us, &out, &err));
        assert_string_equal(out.permissions, in.permissions);
        assert_string_equal(out.roles, in.roles);
        const char *body = strchr(token.data, '.') + 1;
        assert_true(auth_base64url_decode(&payload, body, strcspn(body, "."), &err));
        assert_int_equal(strstr(payload.data, "\"perm\"") == NULL, cases[i].is_short);
    }
}

/* R and S are sometimes short numbers: they must be padded on the way out and in. */
static void many_signatures_all_verify(void **state)
{
    struct access_claims claims = good_claims();
    struct err err = { 0 };
    (void)state;
    for (int i = 0; i < 300; i++) {
        AUTO_INPLACE(buffer) token;
        sign(&token, &claims);
        assert_true(is_good(token.data, &err));
    }
}

static void times_are_checked(void **state)
{
    static const struct {
        const char *name;
        int64_t issued_s, expires_s;
        bool good;
    } cases[] = {
        { "valid now", -10, 900, true },
        { "expired a second ago", -900, -1, false },
        { "expires this very second", -900, 0, false },
        { "issued within the leeway of 30 s", 29, 900, true },
        { "issued in the future", 32, 900, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct access_claims claims = good_claims();
        struct err err = { 0 };
        AUTO_INPLACE(buffer) token;
        claims.issued_at = now_us + cases[i].issued_s * second_us;
        claims.expires_at = now_us + cases[i].expires_s * second_us;
        sign(&token, &claims);
        if (is_good(token.data, &err) != cases[i].good)
            fail_msg("%s: %s", cases[i].name, err.text);
        assert_int_equal(err.kind, cases[i].good ? ERR_NONE : ERR_UNAUTHENTICATED);
    }
}

/* ---- tokens that our own signer would not make: with libjwt directly --------------------------------------------- */
struct forged {
    const char *name;
    const char *issuer, *audience, *subject, *key_id, *header_name, *header_value;
    int64_t not_before_s, expires_s;
    jwt_alg_t alg;
    bool no_permissions;
    bool good;
};

static char *public_pem(void)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) pem = { 0 };
    char *text, *copy;
    assert_true(signing_key_to_pem(keys.key, &pem, &err));
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.size), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    assert_int_equal(PEM_write_bio_PUBKEY(out, pkey), 1);
    long size = BIO_get_mem_data(out, &text);
    copy = strndup(text, (size_t)size);
    EVP_PKEY_free(pkey);
    BIO_free(in);
    BIO_free(out);
    return copy;
}

static void set_key(jwt_t *jwt, jwt_alg_t alg)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) pem = { 0 };
    if (alg == JWT_ALG_NONE) {
        assert_int_equal(jwt_set_alg(jwt, alg, NULL, 0), 0);
    } else if (alg == JWT_ALG_HS256) {
        char *text = public_pem();
        assert_int_equal(jwt_set_alg(jwt, alg, (const unsigned char *)text, (int)strlen(text)), 0);
        free(text);
    } else {
        assert_true(signing_key_to_pem(keys.key, &pem, &err));
        assert_int_equal(jwt_set_alg(jwt, alg, (const unsigned char *)pem.data, (int)pem.size), 0);
    }
}

static char *forge(const struct forged *forged)
{
    jwt_t *jwt;
    assert_int_equal(jwt_new(&jwt), 0);
    set_key(jwt, forged->alg);
    jwt_add_header(jwt, "kid", forged->key_id ? forged->key_id : "key-1");
    if (forged->header_name)
        jwt_add_header(jwt, forged->header_name, forged->header_value);
    jwt_add_grant(jwt, "iss", forged->issuer ? forged->issuer : "nwims");
    jwt_add_grant(jwt, "aud", forged->audience ? forged->audience : "nwims-api");
    jwt_add_grant(jwt, "sub", forged->subject ? forged->subject : "someone");
    jwt_add_grant(jwt, "jti", "token-1");
    jwt_add_grant(jwt, "roles", "");
    if (!forged->no_permissions)
        jwt_add_grant(jwt, "perm", "*:*");
    jwt_add_grant_int(jwt, "tid", 7);
    jwt_add_grant_int(jwt, "iat", (long)(now_us / second_us));
    jwt_add_grant_int(jwt, "nbf", (long)(now_us / second_us + forged->not_before_s));
    jwt_add_grant_int(jwt, "exp", (long)(forged->expires_s ? forged->expires_s : now_us / second_us + 900));
    char *text = jwt_encode_str(jwt);
    assert_non_null(text);
    jwt_free(jwt);
    return text;
}

static void forged_tokens_are_refused(void **state)
{
    static const char long_text[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
    static const struct forged cases[] = {
        { "as it should be", .alg = JWT_ALG_ES256, .good = true },
        { "alg none", .alg = JWT_ALG_NONE },
        { "HS256 keyed with our public key", .alg = JWT_ALG_HS256 },
        { "another issuer", .alg = JWT_ALG_ES256, .issuer = "nwim" },
        { "another audience", .alg = JWT_ALG_ES256, .audience = "nwims-api2" },
        { "not valid yet", .alg = JWT_ALG_ES256, .not_before_s = 31 },
        { "nbf within the leeway", .alg = JWT_ALG_ES256, .not_before_s = 29, .good = true },
        { "an end after the year 9999", .alg = JWT_ALG_ES256, .expires_s = INT64_MAX / 2 },
        { "a negative end", .alg = JWT_ALG_ES256, .expires_s = -1 },
        { "no permissions claim", .alg = JWT_ALG_ES256, .no_permissions = true },
        { "a subject that is too long", .alg = JWT_ALG_ES256, .subject = long_text },
        { "a key id that is too long", .alg = JWT_ALG_ES256, .key_id = long_text },
        { "an empty key id", .alg = JWT_ALG_ES256, .key_id = "" },
        { "a critical header", .alg = JWT_ALG_ES256, .header_name = "crit", .header_value = "exp" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        char *token = forge(&cases[i]);
        if (is_good(token, &err) != cases[i].good)
            fail_msg("%s: %s", cases[i].name, err.text);
        if (!cases[i].good)
            assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        free(token);
    }
}

/* The same, where the key id is asked for before a key is chosen. */
static void an_algorithm_other_than_es256_has_no_key_id(void **state)
{
    static const char *const headers[] = { "{\"alg\":\"none\",\"kid\":\"key-1\"}",
        "{\"alg\":\"HS256\",\"kid\":\"key-1\"}", "{\"alg\":\"es256\",\"kid\":\"key-1\"}",
        "{\"alg\":\"ES384\",\"kid\":\"key-1\"}", "{\"kid\":\"key-1\"}", "{\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"kid\":7}", "{\"alg\":\"ES256\",\"kid\":\"key-1\",\"crit\":[\"b64\"]}", "[]", "{", "" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct err err = { 0 };
        char key_id[CLAIM_TEXT_SIZE];
        AUTO_INPLACE(buffer) token = { 0 };
        assert_true(auth_base64url_encode(&token, headers[i], strlen(headers[i])));
        buffer_put_text(&token, ".e30.AAAA");
        if (access_token_key_id(token.data, key_id, &err))
            fail_msg("%s has a key id", headers[i]);
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        assert_false(is_good(token.data, &err));
    }
}

static void another_key_does_not_verify(void **state)
{
    struct access_claims claims = good_claims(), out;
    struct err err = { 0 };
    AUTO_INPLACE(buffer) token;
    (void)state;
    sign(&token, &claims);
    assert_false(access_token_verify(token.data, keys.stranger, now_us, &out, &err));
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
    struct access_claims claims = good_claims();
    AUTO_INPLACE(buffer) token;
    (void)state;
    sign(&token, &claims);
    for (size_t i = 0; i < token.size; i++) {
        struct err err = { 0 };
        unsigned bit = 1U << (i % 7);
        token.data[i] = (char)(token.data[i] ^ (char)bit);
        if (is_good(token.data, &err))
            fail_msg("bit %u of byte %zu does not matter", bit, i);
        token.data[i] = (char)(token.data[i] ^ (char)bit);
    }
    /* The four unused bits of the last character: a lenient decoder would take 16 texts for one signature. */
    struct err err = { 0 };
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char last = token.data[token.size - 1];
    token.data[token.size - 1] = letters[(size_t)(strchr(letters, last) - letters) ^ 1];
    assert_false(is_good(token.data, &err));
}

static void a_cut_token_is_refused(void **state)
{
    struct access_claims claims = good_claims();
    AUTO_INPLACE(buffer) token;
    (void)state;
    sign(&token, &claims);
    for (size_t length = 0; length < token.size; length++) {
        struct err err = { 0 };
        char *cut = strndup(token.data, length);
        assert_false(is_good(cut, &err));
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        free(cut);
    }
}

static void other_forms_are_refused(void **state)
{
    static const char *const forms[] = { "", ".", "..", "...", "a.b.c", "a.b", "a.b.c.d", "a..c", "....",
        "Bearer a.b.c", "a.b.c ", "a.b.c=", "a+.b.c", "\xff.b.c" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct err err = { 0 };
        char key_id[CLAIM_TEXT_SIZE];
        assert_false(is_good(forms[i], &err));
        assert_false(access_token_key_id(forms[i], key_id, &err));
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    }
}

static void a_token_of_nine_megabytes_is_refused(void **state)
{
    struct access_claims claims = good_claims();
    struct err err = { 0 };
    char key_id[CLAIM_TEXT_SIZE];
    AUTO_INPLACE(buffer) token;
    (void)state;
    sign(&token, &claims);
    size_t dot = (size_t)(strchr(token.data, '.') - token.data), size = 9 * 1024 * 1024;
    char *large = malloc(token.size + size + 1);
    assert_non_null(large);
    memcpy(large, token.data, dot + 1);
    memset(large + dot + 1, 'A', size);
    memcpy(large + dot + 1 + size, token.data + dot + 1, token.size - dot);
    assert_false(is_good(large, &err));
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    assert_false(access_token_key_id(large, key_id, &err));
    free(large);
}

static void a_public_key_does_not_sign(void **state)
{
    struct access_claims claims = good_claims();
    struct err err = { 0 };
    AUTO_INPLACE(buffer) token = { 0 };
    (void)state;
    assert_false(access_token_sign(&token, keys.verifier, "key-1", &claims, &err));
    assert_int_equal(err.kind, ERR_BUG);
}

static void the_fullest_claims_fit(void **state)
{
    struct access_claims claims = good_claims(), out;
    struct err err = { 0 };
    AUTO_INPLACE(buffer) token;
    (void)state;
    memset(claims.permissions, 'p', sizeof claims.permissions - 1);
    memset(claims.roles, 'r', sizeof claims.roles - 1);
    memset(claims.grants, 'g', sizeof claims.grants - 1);
    memset(claims.session_id, 'w', sizeof claims.session_id - 1);
    claims.tenant_id = claims.subject_epoch = claims.tenant_epoch = INT32_MAX;
    memset(claims.subject, 's', sizeof claims.subject - 1);
    memset(claims.token_id, 't', sizeof claims.token_id - 1);
    sign(&token, &claims);
    assert_true(access_token_verify(token.data, keys.verifier, now_us, &out, &err));
    assert_string_equal(out.permissions, claims.permissions);
    assert_string_equal(out.grants, claims.grants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_token_gives_its_claims_back),
        cmocka_unit_test(permissions_come_back_whether_roles_give_them_or_not),
        cmocka_unit_test(many_signatures_all_verify),
        cmocka_unit_test(times_are_checked),
        cmocka_unit_test(forged_tokens_are_refused),
        cmocka_unit_test(an_algorithm_other_than_es256_has_no_key_id),
        cmocka_unit_test(another_key_does_not_verify),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(a_cut_token_is_refused),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(a_token_of_nine_megabytes_is_refused),
        cmocka_unit_test(a_public_key_does_not_sign),
        cmocka_unit_test(the_fullest_claims_fit),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
