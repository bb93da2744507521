/* The set of touched hours: distinct, complete, reusable. */
#include "mark_set.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* after the four that it needs */
#include <cmocka.h>

enum { SENSORS = 300, HOURS = 40 };

static void put_all(struct mark_set *set)
{
    struct err err = { 0 };
    for (int round = 0; round < 2; round++)
        for (int32_t hour = 0; hour < HOURS; hour++)
            for (int32_t sensor = 1; sensor <= SENSORS; sensor++)
                assert_true(mark_set_put(set, sensor, 490000 + hour, &err));
}

static void expect_all(const struct mark_set *set)
{
    static unsigned char seen[SENSORS + 1][HOURS];
    assert_int_equal(set->count, SENSORS * HOURS);
    for (size_t i = 0; i < sizeof seen; i++)
        ((unsigned char *)seen)[i] = 0;
    for (size_t i = 0; i < set->count; i++) {
        assert_in_range(set->sensor_no[i], 1, SENSORS);
        assert_in_range(set->hour[i], 490000, 490000 + HOURS - 1);
        assert_int_equal(seen[set->sensor_no[i]][set->hour[i] - 490000]++, 0);
    }
}

static void every_mark_is_kept_once(void **state)
{
    (void)state;
    struct mark_set set;
    mark_set_init(&set);
    put_all(&set);
    expect_all(&set);
    mark_set_done(&set);
}

static void a_reset_set_is_empty_and_good_for_more(void **state)
{
    (void)state;
    struct mark_set set;
    struct err err = { 0 };
    mark_set_init(&set);
    mark_set_reset(&set); /* nothing was ever put */
    for (int i = 0; i < 3; i++) {
        put_all(&set);
        mark_set_reset(&set);
        assert_int_equal(set.count, 0);
    }
    /* The mark put last before the reset is not taken for one that is there. */
    assert_true(mark_set_put(&set, SENSORS, 490000 + HOURS - 1, &err));
    assert_int_equal(set.count, 1);
    mark_set_reset(&set);
    put_all(&set);
    expect_all(&set);
    mark_set_done(&set);
}

static void a_very_large_set_gives_its_memory_back(void **state)
{
    (void)state;
    struct mark_set set;
    struct err err = { 0 };
    mark_set_init(&set);
    for (int32_t i = 1; i <= 200000; i++)
        assert_true(mark_set_put(&set, i, 1, &err));
    assert_int_equal(set.count, 200000);
    mark_set_reset(&set);
    assert_int_equal(set.slot_count, 0);
    assert_true(mark_set_put(&set, 1, 1, &err));
    assert_int_equal(set.count, 1);
    mark_set_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mark_is_kept_once),
        cmocka_unit_test(a_reset_set_is_empty_and_good_for_more),
        cmocka_unit_test(a_very_large_set_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
