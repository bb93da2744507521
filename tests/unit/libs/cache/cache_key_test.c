/* Two requests have the same key exactly when an owner would answer them alike. */
#include "cache/cache_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct cache_parameter ab[] = { { "a", "1" }, { "b", "2" } }, ba[] = { { "b", "2" }, { "a", "1" } },
                                    twice[] = { { "a", "1" }, { "a", "2" } },
                                    swapped[] = { { "a", "2" }, { "a", "1" } }, joined[] = { { "a", "1b2" } };

static bool are_alike(const struct cache_question *one, const struct cache_question *other)
{
    struct cache_key first, second;
    assert_true(cache_key_make(&first, one));
    assert_true(cache_key_make(&second, other));
    return first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0;
}

static void the_same_question_has_the_same_key(void **state)
{
    const struct cache_question one = { 7, "m:x", "/sensors", ab, 2 }, other = { 7, "m:x", "/sensors", ba, 2 };
    (void)state;
    assert_true(are_alike(&one, &other));
}

static void whatever_changes_the_answer_changes_the_key(void **state)
{
    const struct cache_question base = { 7, "m:x", "/sensors", ab, 2 };
    const struct cache_question others[] = { { 8, "m:x", "/sensors", ab, 2 }, { 7, "", "/sensors", ab, 2 },
        { 7, "m:y", "/sensors", ab, 2 }, { 7, "m:x", "/sensor", ab, 2 }, { 7, "m:x", "/sensors", ab, 1 },
        { 7, "m:x", "/sensors", joined, 1 }, { 7, "m:x/sensors", "", ab, 2 } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(are_alike(&base, &others[i]));
}

static void values_of_one_parameter_keep_their_order(void **state)
{
    const struct cache_question one = { 7, "", "/sensors", twice, 2 }, other = { 7, "", "/sensors", swapped, 2 };
    (void)state;
    assert_false(are_alike(&one, &other));
}

static void a_question_that_is_too_long_has_no_key(void **state)
{
    static char path[CACHE_KEY_SIZE + 1];
    struct cache_key key;
    (void)state;
    memset(path, 'p', CACHE_KEY_SIZE);
    assert_false(cache_key_make(&key, &(struct cache_question){ 7, "", path, NULL, 0 }));
    assert_false(cache_key_make(&key, &(struct cache_question){ 7, "", "/", ab, CACHE_MOST_PARAMETERS + 1 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_question_has_the_same_key),
        cmocka_unit_test(whatever_changes_the_answer_changes_the_key),
        cmocka_unit_test(values_of_one_parameter_keep_their_order),
        cmocka_unit_test(a_question_that_is_too_long_has_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
