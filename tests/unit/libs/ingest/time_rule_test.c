/* Which time a reading gets when its own is absent or not to be believed. */
#include "ingest/time_rule.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW INT64_C(1795507200000000)
#define OLDEST INT64_C(1420070400000000) /* 2015 */

static void times_follow_the_rule(void **state)
{
    static const struct {
        const char *what;
        bool keep_future, has_time;
        int64_t observed_at;
        bool is_refused;
        int64_t expected;
        uint32_t flags;
        bool is_uncertain;
    } cases[] = {
        { "its own time", true, true, NOW - 5, false, NOW - 5, 0, false },
        { "its own time, to a caller", false, true, NOW - 5, false, NOW - 5, 0, false },
        { "none", true, false, 0, false, NOW, READING_CLOCK_MISSING, false },
        { "none, from a caller", false, false, 0, false, NOW, READING_CLOCK_MISSING, false },
        { "a little ahead", true, true, NOW + 300000000, false, NOW + 300000000, 0, false },
        { "too far ahead", true, true, NOW + 300000001, false, NOW, READING_CLOCK_FUTURE, true },
        { "too far ahead, from a caller", false, true, NOW + 300000001, true, 0, 0, false },
        { "1970", true, true, 1000, false, NOW, READING_CLOCK_MISSING, true },
        { "1970, from a caller", false, true, 1000, true, 0, 0, false },
        { "the oldest", false, true, OLDEST, false, OLDEST, 0, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct intake_config config = {
            .oldest_at = OLDEST, .future_ms = 300000, .keep_future = cases[i].keep_future
        };
        const struct raw_reading reading = { .has_time = cases[i].has_time, .observed_at = cases[i].observed_at };
        struct timing timing = { 0 };
        const char *wrong = time_rule_apply(&config, &reading, NOW, &timing);
        if ((wrong != NULL) != cases[i].is_refused)
            fail_msg("%s: %s", cases[i].what, wrong ? wrong : "taken");
        if (wrong)
            continue;
        assert_int_equal(timing.observed_at, cases[i].expected);
        assert_int_equal(timing.flags, cases[i].flags);
        assert_int_equal(timing.is_uncertain, cases[i].is_uncertain);
        assert_int_equal(timing.is_ours, timing.flags != 0);
    }
}

static void numbers_outside_the_calendar_are_no_times(void **state)
{
    static const double bad[] = { 1e300, -1e300, 2.6e14, -62135596801.0, __builtin_nan(""), __builtin_inf() };
    int64_t us = 7;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(time_of_number(bad[i], &us));
        assert_false(time_of_seconds(bad[i], &us));
    }
    assert_int_equal(us, 7);
    assert_true(time_of_number(253402300799999.0, &us));
    assert_int_equal(us, INT64_C(253402300799999000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_follow_the_rule),
        cmocka_unit_test(numbers_outside_the_calendar_are_no_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
