/* Which numbers of a device's sequence are missing. */
#include "ingest/sequence_gaps.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

static void what_comes_late_is_not_missing_any_more(void **state)
{
    struct sequence_gaps gaps = { 0 };
    (void)state;
    sequence_gaps_open(&gaps, 3, 9);
    assert_int_equal(sequence_gaps_missing(&gaps), 7);
    assert_true(sequence_gaps_may_lack(&gaps, 1, 3));
    assert_false(sequence_gaps_may_lack(&gaps, 1, 2));
    assert_true(sequence_gaps_close(&gaps, 5, 6));
    assert_int_equal(gaps.count, 2);
    assert_int_equal(gaps.open[0].last, 4);
    assert_int_equal(gaps.open[1].first, 7);
    assert_false(sequence_gaps_close(&gaps, 5, 6)); /* again */
    assert_true(sequence_gaps_close(&gaps, 1, 7));
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.open[0].first, 8);
    assert_true(sequence_gaps_close(&gaps, 9, 20));
    assert_true(sequence_gaps_close(&gaps, 8, 8));
    assert_int_equal(gaps.count, 0);
    assert_int_equal(gaps.missed, 7);
    assert_int_equal(gaps.late, 7);
    assert_int_equal(gaps.forgotten, 0);
}

static void ranges_that_touch_are_one(void **state)
{
    struct sequence_gaps gaps = { 0 };
    (void)state;
    sequence_gaps_open(&gaps, 3, 4);
    sequence_gaps_open(&gaps, 5, 6);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.open[0].last, 6);
}

static void beyond_its_places_the_smallest_is_forgotten_and_that_is_known(void **state)
{
    struct sequence_gaps gaps = { 0 };
    (void)state;
    for (uint64_t i = 0; i < SEQUENCE_GAPS; i++)
        sequence_gaps_open(&gaps, i * 100 + 1, i * 100 + (i == 4 ? 1 : 9));
    sequence_gaps_open(&gaps, 10001, 10010);
    assert_int_equal(gaps.count, SEQUENCE_GAPS);
    assert_int_equal(gaps.forgotten, 1);
    assert_int_equal(gaps.forgotten_until, 401);
    assert_true(sequence_gaps_may_lack(&gaps, 401, 401));
    assert_false(sequence_gaps_may_lack(&gaps, 402, 499));
    assert_int_equal(gaps.open[SEQUENCE_GAPS - 1].first, 10001);
    assert_int_equal(gaps.missed, sequence_gaps_missing(&gaps) + gaps.late + gaps.forgotten);
}

/* Against a plain list of what came. */
static void whatever_comes_in_whatever_order_the_account_is_right(void **state)
{
    enum { NUMBERS = 400, ROUNDS = 300 };
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct sequence_gaps gaps = { 0 };
        bool came[NUMBERS + 1] = { false };
        uint64_t high = 0;
        srand(round);
        for (int i = 0; i < 120; i++) {
            uint64_t first = (uint64_t)(rand() % (int)(high + 12 < NUMBERS ? high + 12 : NUMBERS)) + 1;
            uint64_t last = first + (uint64_t)(rand() % 3);
            if (last > NUMBERS)
                last = NUMBERS;
            if (first > high + 1)
                sequence_gaps_open(&gaps, high + 1, first - 1);
            sequence_gaps_close(&gaps, first, last);
            high = last > high ? last : high;
            memset(&came[first], true, last - first + 1);
            for (uint32_t at = 1; at < gaps.count; at++)
                assert_true(gaps.open[at - 1].last + 1 < gaps.open[at].first);
            assert_int_equal(gaps.missed, sequence_gaps_missing(&gaps) + gaps.late + gaps.forgotten);
        }
        for (uint64_t number = 1; number <= high; number++) {
            bool is_missing = sequence_gaps_may_lack(&gaps, number, number);
            assert_true(is_missing || came[number]); /* none is thought to be there that is not */
            assert_true(!is_missing || !came[number] || number <= gaps.forgotten_until);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_late_is_not_missing_any_more),
        cmocka_unit_test(ranges_that_touch_are_one),
        cmocka_unit_test(beyond_its_places_the_smallest_is_forgotten_and_that_is_known),
        cmocka_unit_test(whatever_comes_in_whatever_order_the_account_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
