/* Token buckets: what is admitted, what waits, and that memory has an end. */
#include "rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const int64_t second_us = 1000000;

static int take_many(struct rate_limit *limit, const char *asker, const struct rate *rate, int64_t now_us, int tries)
{
    struct rate_verdict verdict;
    int admitted = 0;
    for (int i = 0; i < tries; i++)
        admitted += rate_limit_take(limit, RATE_OF_KEY, asker, rate, now_us, &verdict);
    return admitted;
}

static void a_burst_is_admitted_and_then_the_rate(void **state)
{
    AUTO(rate_limit) limit = rate_limit_new(1000);
    const struct rate rate = { .per_second = 10, .burst = 20 };
    (void)state;
    assert_int_equal(take_many(limit, "a", &rate, second_us, 100), 20);
    assert_int_equal(take_many(limit, "a", &rate, 2 * second_us, 100), 10);
    assert_int_equal(take_many(limit, "a", &rate, 3 * second_us + second_us / 2, 100), 15);
    assert_int_equal(take_many(limit, "a", &rate, 1000 * second_us, 100), 20);
}

static void whoever_is_turned_away_is_told_for_how_long(void **state)
{
    AUTO(rate_limit) limit = rate_limit_new(1000);
    const struct rate rate = { .per_second = 0.5, .burst = 1 };
    struct rate_verdict verdict;
    (void)state;
    assert_true(rate_limit_take(limit, RATE_OF_KEY, "a", &rate, second_us, &verdict));
    assert_int_equal(verdict.wait_ms, 0);
    assert_int_equal(verdict.left, 0);
    assert_false(rate_limit_take(limit, RATE_OF_KEY, "a", &rate, second_us, &verdict));
    assert_in_range(verdict.wait_ms, 2000, 2001);
    assert_false(rate_limit_take(limit, RATE_OF_KEY, "a", &rate, 2 * second_us, &verdict));
    assert_in_range(verdict.wait_ms, 1000, 1001);
    assert_true(rate_limit_take(limit, RATE_OF_KEY, "a", &rate, 3 * second_us + 2000, &verdict));
}

static void askers_and_kinds_do_not_touch_each_other(void **state)
{
    AUTO(rate_limit) limit = rate_limit_new(1000);
    const struct rate rate = { .per_second = 1, .burst = 1 };
    struct rate_verdict verdict;
    (void)state;
    assert_true(rate_limit_take(limit, RATE_OF_KEY, "a", &rate, second_us, &verdict));
    assert_true(rate_limit_take(limit, RATE_OF_KEY, "b", &rate, second_us, &verdict));
    assert_true(rate_limit_take(limit, RATE_OF_TENANT, "a", &rate, second_us, &verdict));
    assert_false(rate_limit_take(limit, RATE_OF_KEY, "a", &rate, second_us, &verdict));
}

static void no_rate_is_no_limit_and_the_clock_may_stand_still(void **state)
{
    AUTO(rate_limit) limit = rate_limit_new(1000);
    const struct rate none = { 0 }, one = { .per_second = 1, .burst = 0 };
    (void)state;
    assert_int_equal(take_many(limit, "a", &none, second_us, 1000), 1000);
    assert_int_equal(take_many(limit, "b", &one, 5 * second_us, 10), 1); /* a burst of none would admit nobody */
    assert_int_equal(take_many(limit, "b", &one, 4 * second_us, 10), 0);
}

static void a_rate_that_was_lowered_holds_at_once(void **state)
{
    AUTO(rate_limit) limit = rate_limit_new(1000);
    const struct rate high = { .per_second = 100, .burst = 1000 }, low = { .per_second = 1, .burst = 2 };
    (void)state;
    assert_int_equal(take_many(limit, "a", &high, second_us, 1), 1);
    assert_int_equal(take_many(limit, "a", &low, second_us, 100), 2);
}

static void memory_is_bounded_and_those_in_use_stay(void **state)
{
    AUTO(rate_limit) limit = rate_limit_new(64);
    const struct rate rate = { .per_second = 0.001, .burst = 1 };
    char name[32];
    int again = 0;
    (void)state;
    assert_int_equal(take_many(limit, "busy", &rate, second_us, 1), 1);
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "stranger-%d", i);
        take_many(limit, name, &rate, second_us + i, 1);
        again += take_many(limit, "busy", &rate, second_us + i, 1);
    }
    assert_int_equal(again, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_admitted_and_then_the_rate),
        cmocka_unit_test(whoever_is_turned_away_is_told_for_how_long),
        cmocka_unit_test(askers_and_kinds_do_not_touch_each_other),
        cmocka_unit_test(no_rate_is_no_limit_and_the_clock_may_stand_still),
        cmocka_unit_test(a_rate_that_was_lowered_holds_at_once),
        cmocka_unit_test(memory_is_bounded_and_those_in_use_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
