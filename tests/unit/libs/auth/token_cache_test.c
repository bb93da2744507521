#include "auth/auth.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct access_claims seven = { .subject = "seven", .tenant_id = 7, .expires_at = 1000 };

static void what_was_put_is_found_until_it_expires(void **state)
{
    struct access_claims claims = { 0 };
    AUTO(token_cache) cache = token_cache_new(100, 1024 * 1024);
    (void)state;
    assert_non_null(cache);
    assert_false(token_cache_get(cache, "token", 1, &claims));
    token_cache_put(cache, "token", &seven);
    assert_true(token_cache_get(cache, "token", 999, &claims));
    assert_string_equal(claims.subject, "seven");
    assert_false(token_cache_get(cache, "tokem", 999, &claims));
    assert_false(token_cache_get(cache, "token", 1000, &claims));
    assert_false(token_cache_get(cache, "token", 1, &claims)); /* it went when it was found to be over */
}

static void a_second_put_replaces(void **state)
{
    struct access_claims eight = { .tenant_id = 8, .expires_at = 1000 }, claims;
    AUTO(token_cache) cache = token_cache_new(1, 1024 * 1024);
    (void)state;
    token_cache_put(cache, "token", &seven);
    token_cache_put(cache, "token", &eight);
    assert_true(token_cache_get(cache, "token", 1, &claims));
    assert_int_equal(claims.tenant_id, 8);
    token_cache_clear(cache);
    assert_false(token_cache_get(cache, "token", 1, &claims));
}

static void it_never_holds_more_than_its_ceiling(void **state)
{
    struct access_claims claims;
    char token[32];
    int found = 0;
    AUTO(token_cache) cache = token_cache_new(64, 1024 * 1024);
    (void)state;
    for (int i = 0; i < 10000; i++) {
        snprintf(token, sizeof token, "token %d", i);
        token_cache_put(cache, token, &seven);
        assert_true(token_cache_get(cache, token, 1, &claims)); /* the newest is always there */
    }
    for (int i = 0; i < 10000; i++) {
        snprintf(token, sizeof token, "token %d", i);
        found += token_cache_get(cache, token, 1, &claims);
    }
    assert_true(found <= 64 && found > 32);
}

static void longer_tokens_than_there_are_do_not_count(void **state)
{
    struct access_claims claims;
    AUTO(token_cache) cache = token_cache_new(64, 1024 * 1024);
    char *endless = calloc(1, ACCESS_TOKEN_LONGEST + 2);
    (void)state;
    assert_non_null(endless);
    memset(endless, 'a', ACCESS_TOKEN_LONGEST + 1);
    token_cache_put(cache, endless, &seven);
    assert_false(token_cache_get(cache, endless, 1, &claims));
    assert_null(token_cache_new(0, 1024 * 1024));
    assert_null(token_cache_new(SIZE_MAX / 2, 1024 * 1024));
    free(endless);
}

/* The last token of a thread is known again without its digest: only if it is the same to the last byte. */
static void tokens_of_one_length_are_told_apart(void **state)
{
    static const size_t lengths[] = { 1, 7, 8, 9, 900, 2047, 2048, 2049, ACCESS_TOKEN_LONGEST };
    struct access_claims claims;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        AUTO(token_cache) cache = token_cache_new(100, 1024 * 1024);
        char *token = calloc(1, lengths[i] + 1);
        assert_non_null(token);
        memset(token, 'a', lengths[i]);
        token_cache_put(cache, token, &seven);
        for (size_t at = 0; at < lengths[i]; at += lengths[i] < 20 ? 1 : 13) {
            token[at] = 'b';
            assert_false(token_cache_get(cache, token, 1, &claims));
            token[at] = 'a';
            assert_true(token_cache_get(cache, token, 1, &claims));
            assert_true(token_cache_get(cache, token, 1, &claims));
        }
        token[lengths[i] - 1] = 'b';
        assert_false(token_cache_get(cache, token, 1, &claims));
        free(token);
    }
}

static void all_claims_come_back(void **state)
{
    struct access_claims in = { .subject = "s",
        .token_id = "t",
        .session_id = "w",
        .tenant_id = 7,
        .subject_epoch = 3,
        .tenant_epoch = 4,
        .roles = "operator",
        .permissions = "sensors:read",
        .grants = "m:x=alerts:write",
        .issued_at = 5,
        .expires_at = 1000 },
                         out;
    AUTO(token_cache) cache = token_cache_new(8, 1024 * 1024);
    (void)state;
    memset(&out, 'x', sizeof out);
    token_cache_put(cache, "token", &in);
    assert_true(token_cache_get(cache, "token", 1, &out));
    assert_string_equal(out.subject, "s");
    assert_string_equal(out.token_id, "t");
    assert_string_equal(out.session_id, "w");
    assert_string_equal(out.roles, "operator");
    assert_string_equal(out.permissions, "sensors:read");
    assert_string_equal(out.grants, "m:x=alerts:write");
    assert_int_equal(out.tenant_id * 100 + out.subject_epoch * 10 + out.tenant_epoch, 734);
    assert_int_equal(out.issued_at, 5);
    assert_int_equal(out.expires_at, 1000);
}

static void its_bytes_have_a_ceiling_and_the_newest_stays(void **state)
{
    enum { CEILING = 256 * 1024, LARGE = 4000 };
    struct access_claims large = seven, claims;
    char token[32];
    size_t found = 0;
    AUTO(token_cache) cache = token_cache_new(100000, CEILING);
    (void)state;
    memset(large.grants, 'g', LARGE);
    large.grants[LARGE] = '\0';
    for (int i = 0; i < 1000; i++) {
        snprintf(token, sizeof token, "token %d", i);
        token_cache_put(cache, token, &large);
        assert_true(token_cache_get(cache, token, 1, &claims));
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(token, sizeof token, "token %d", i);
        found += token_cache_get(cache, token, 1, &claims);
    }
    assert_true(found * LARGE <= CEILING);
    assert_true(found >= 16);
}

static void *hammer(void *argument)
{
    struct token_cache *cache = argument;
    struct access_claims claims;
    char token[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(token, sizeof token, "token %d", i % 200);
        if (!token_cache_get(cache, token, 1, &claims))
            token_cache_put(cache, token, &seven);
        else if (claims.tenant_id != 7)
            return argument;
        if (i % 5000 == 0)
            token_cache_clear(cache);
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    pthread_t threads[4];
    AUTO(token_cache) cache = token_cache_new(128, 1024 * 1024);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, cache), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_it_expires),
        cmocka_unit_test(a_second_put_replaces),
        cmocka_unit_test(it_never_holds_more_than_its_ceiling),
        cmocka_unit_test(longer_tokens_than_there_are_do_not_count),
        cmocka_unit_test(tokens_of_one_length_are_told_apart),
        cmocka_unit_test(all_claims_come_back),
        cmocka_unit_test(its_bytes_have_a_ceiling_and_the_newest_stays),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
