/* What a change makes worth warming again, and how evenly owners are asked. */
#include "pace.h"
#include "subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_change_warms_what_shows_it_and_nothing_else(void **state)
{
    const unsigned sensors = 1u << WARM_SENSORS | 1u << WARM_STATISTICS;
    (void)state;
    assert_int_equal(warm_subjects_of(cache_kind_bit(CACHE_KIND_SENSOR)), WARM_BY_ITSELF); /* summaries count them */
    assert_int_equal(warm_subjects_of(cache_kind_bit(CACHE_KIND_ZONE)), WARM_BY_ITSELF);
    assert_int_equal(warm_subjects_of(cache_kind_bit(CACHE_KIND_READING)), 1u << WARM_STATISTICS);
    assert_int_equal(warm_subjects_of(cache_kind_bit(CACHE_KIND_ASSET)) & sensors, 0);
    assert_int_equal(warm_subjects_of(0), 0);
}

static void subjects_have_names_that_are_read_back(void **state)
{
    enum warm_subject found;
    (void)state;
    for (enum warm_subject subject = 0; subject < WARM_SUBJECT_COUNT; subject++) {
        assert_true(warm_subject_parse(warm_subject_name(subject), &found));
        assert_int_equal(found, subject);
    }
    assert_false(warm_subject_parse("nonsense", &found));
}

static void owners_are_asked_evenly(void **state)
{
    struct pace pace;
    int64_t now_us = 1000000;
    (void)state;
    pace_init(&pace, 100);
    assert_int_equal(pace_take(&pace, now_us), 0);
    assert_int_equal(pace_take(&pace, now_us), 10000);
    assert_int_equal(pace_take(&pace, now_us + 10000), 10000);
    assert_int_equal(pace_take(&pace, now_us + 5000000), 0); /* after a rest there is no burst */
    assert_int_equal(pace_take(&pace, now_us + 5000000), 10000);
    assert_int_equal(pace_fits(&pace, 1000), 100);
    pace_done(&pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_warms_what_shows_it_and_nothing_else),
        cmocka_unit_test(subjects_have_names_that_are_read_back),
        cmocka_unit_test(owners_are_asked_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
