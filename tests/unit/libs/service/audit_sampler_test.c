#include "service/audit_sampler.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND_US INT64_C(1000000)
static struct audit_sampler sampler;
static size_t place; /* of the last one */

static int take_many(uint64_t kind, int times, int64_t now_us)
{
    int taken = 0;
    for (int i = 0; i < times; i++)
        taken += audit_sampler_take(&sampler, kind, now_us, &place);
    return taken;
}

static void ten_of_a_kind_a_minute_are_recorded(void **state)
{
    (void)state;
    audit_sampler_init(&sampler, 0);
    assert_int_equal(take_many(7, 1000, 0), 10);
    assert_int_equal(take_many(7, 1000, 59 * SECOND_US), 0);
    assert_int_equal(take_many(7, 1000, 60 * SECOND_US), 10);
}

static void another_kind_is_not_kept_from_being_recorded(void **state)
{
    (void)state;
    audit_sampler_init(&sampler, 0);
    assert_int_equal(take_many(7, 100, 0), 10);
    assert_int_equal(take_many(8, 1, 0), 1);
}

static void a_flood_of_many_kinds_is_bounded(void **state)
{
    int taken = 0;
    (void)state;
    audit_sampler_init(&sampler, 0);
    for (uint64_t kind = 1; kind <= 10000; kind++)
        taken += audit_sampler_take(&sampler, kind, 0, &place);
    assert_int_equal(taken, 200);
    for (uint64_t kind = 20000; kind <= 30000; kind++)
        taken += audit_sampler_take(&sampler, kind, SECOND_US, &place);
    assert_int_equal(taken, 220);
}

static void what_is_left_out_is_counted(void **state)
{
    (void)state;
    audit_sampler_init(&sampler, 0);
    take_many(7, 100, 0);
    size_t seven = place;
    take_many(8, 50, 0);
    assert_int_equal(audit_sampler_collect(&sampler, seven), 90);
    assert_int_equal(audit_sampler_collect(&sampler, seven), 0);
    assert_int_equal(audit_sampler_collect(&sampler, place), 40);
    assert_int_equal(audit_sampler_collect_unplaced(&sampler), 0);
}

static void the_count_of_a_kind_that_loses_its_place_is_kept(void **state)
{
    (void)state;
    audit_sampler_init(&sampler, 0);
    take_many(7, 100, 0);
    take_many(7 + AUDIT_SAMPLER_PLACES, 30, 0); /* meets it in the same place */
    assert_int_equal(audit_sampler_collect(&sampler, place), 20);
    assert_int_equal(audit_sampler_collect_unplaced(&sampler), 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_of_a_kind_a_minute_are_recorded),
        cmocka_unit_test(another_kind_is_not_kept_from_being_recorded),
        cmocka_unit_test(a_flood_of_many_kinds_is_bounded),
        cmocka_unit_test(what_is_left_out_is_counted),
        cmocka_unit_test(the_count_of_a_kind_that_loses_its_place_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
