/* A device's own sequence, of which every record is acknowledged by itself. */
#include "ingest/sequence_state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

static struct sequence_state known;

static int begin(void **state)
{
    (void)state;
    known = (struct sequence_state){ 0 };
    return 0;
}

static bool take(uint64_t first, uint64_t last, int64_t at)
{
    return sequence_state_take(&known, &(struct sequence_mark){ first, last, at, at != 0 });
}

static void assert_missing(uint64_t missing, uint64_t missed, uint64_t late)
{
    assert_int_equal(sequence_gaps_missing(&known.gaps), missing);
    assert_int_equal(known.gaps.missed, missed);
    assert_int_equal(known.gaps.late, late);
}

static void what_was_before_the_first_is_not_missed(void **state)
{
    (void)state;
    assert_false(take(500, 500, 10));
    assert_false(take(501, 510, 20));
    assert_missing(0, 0, 0);
    assert_int_equal(known.high, 510);
}

static void what_is_passed_over_is_missing_until_it_comes(void **state)
{
    (void)state;
    assert_false(take(0, 3, 40));
    assert_true(take(8, 8, 80));
    assert_missing(4, 4, 0);
    assert_true(take(6, 7, 70));
    assert_missing(2, 4, 2);
    assert_false(take(6, 7, 70)); /* again */
    assert_true(take(1, 9, 90));
    assert_missing(0, 4, 4);
    assert_int_equal(known.high, 9);
    assert_int_equal(known.epoch, 0);
}

static void the_newest_first_is_no_new_beginning(void **state)
{
    (void)state;
    take(1, 1, 10);
    take(100, 100, 1000);
    for (uint64_t number = 99; number > 1; number--)
        assert_true(take(number, number, (int64_t)number * 10));
    assert_missing(0, 98, 98);
    assert_int_equal(known.epoch, 0);
}

static void numbers_that_come_again_with_a_newer_time_are_another_count(void **state)
{
    (void)state;
    take(1, 10, 100);
    take(15, 15, 150);
    assert_missing(4, 4, 0);
    assert_true(take(1, 1, 160));
    assert_int_equal(known.epoch, 1);
    assert_int_equal(known.high, 1);
    assert_missing(0, 0, 0);
    assert_true(take(4, 4, 190));
    assert_missing(2, 2, 0);
}

static void without_times_only_a_far_fall_is_another_count(void **state)
{
    (void)state;
    take(1, 5000, 0);
    assert_false(take(4900, 4990, 0)); /* sent again */
    assert_int_equal(known.epoch, 0);
    assert_false(take(1, 1, 0));
    assert_int_equal(known.epoch, 1);
    assert_false(take(2, 2, 0));
    assert_missing(0, 0, 0);
}

static void the_highest_number_has_nothing_behind_it(void **state)
{
    (void)state;
    take(1, 1, 0);
    assert_true(take(SEQUENCE_HIGHEST, SEQUENCE_HIGHEST, 0));
    assert_missing(SEQUENCE_HIGHEST - 2, SEQUENCE_HIGHEST - 2, 0);
}

/* What is told as missing is what never came, in whatever order, cut into whatever runs, up to 16 ranges. */
static void what_is_missing_is_what_never_came(void **state)
{
    enum { NUMBERS = 200 };
    unsigned seed = 7;
    (void)state;
    for (int round = 0; round < 500; round++) {
        bool came[NUMBERS + 1] = { false };
        begin(NULL);
        for (uint64_t number = 1; number <= NUMBERS;) {
            seed = seed * 1664525u + 1013904223u;
            uint64_t last = number + (seed >> 8) % 20;
            last = last > NUMBERS ? NUMBERS : last;
            if (number == 1 || (seed >> 16) % 3 > 0) {
                take(number, last, (int64_t)last);
                memset(&came[number], true, last - number + 1);
            }
            number = last + 1;
        }
        assert_int_equal(known.gaps.forgotten, 0);
        for (uint64_t number = 1; number <= known.high; number++)
            assert_int_equal(sequence_gaps_has_open(&known.gaps, number, number), !came[number]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_before_the_first_is_not_missed, begin),
        cmocka_unit_test_setup(what_is_passed_over_is_missing_until_it_comes, begin),
        cmocka_unit_test_setup(the_newest_first_is_no_new_beginning, begin),
        cmocka_unit_test_setup(numbers_that_come_again_with_a_newer_time_are_another_count, begin),
        cmocka_unit_test_setup(without_times_only_a_far_fall_is_another_count, begin),
        cmocka_unit_test_setup(the_highest_number_has_nothing_behind_it, begin),
        cmocka_unit_test_setup(what_is_missing_is_what_never_came, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
