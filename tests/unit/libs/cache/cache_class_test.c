/* What an answer depends on, and what a write may have changed. */
#include "cache/cache_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BIT(kind) (1u << CACHE_KIND_##kind)

static void an_answer_depends_on_its_own_kind_on_those_above_it_and_on_any(void **state)
{
    static const unsigned towns = BIT(ANY) | BIT(REGION) | BIT(MUNICIPALITY);
    static const unsigned sensors = towns | BIT(ZONE) | BIT(SITE) | BIT(DEVICE) | BIT(SENSOR);
    (void)state;
    assert_int_equal(cache_kinds_read("/municipalities", CACHE_LIST), towns);
    assert_int_equal(cache_kinds_read("/sensors/S1", CACHE_ENTITY), sensors);
    assert_int_equal(cache_kinds_read("/sensors.geojson", CACHE_LIST), sensors);
    assert_int_equal(cache_kinds_read("/networks/1", CACHE_ENTITY), towns | BIT(ZONE) | BIT(SITE) | BIT(ASSET));
}

static void counts_of_things_depend_on_all_of_them_but_not_on_readings(void **state)
{
    unsigned kinds = cache_kinds_read("/municipalities/M1/summary", CACHE_SUMMARY);
    (void)state;
    assert_true(kinds & BIT(SENSOR) && kinds & BIT(ASSET));
    assert_false(kinds & BIT(READING));
}

static void what_is_made_from_readings_depends_on_readings_and_on_the_sensor(void **state)
{
    unsigned latest = cache_kinds_read("/sensors/S1/latest", CACHE_LATEST);
    (void)state;
    assert_true(latest & BIT(READING) && latest & BIT(SENSOR) && latest & BIT(ZONE));
    assert_int_equal(cache_kinds_read("/readings/aggregate", CACHE_SERIES), latest);
}

static void an_answer_from_an_unknown_place_depends_on_everything(void **state)
{
    (void)state;
    assert_int_equal(cache_kinds_read("/elsewhere/1", CACHE_ENTITY), (1u << CACHE_KIND_COUNT) - 1);
}

static void a_write_changes_its_own_kind(void **state)
{
    static const struct {
        const char *path;
        unsigned kinds;
    } cases[] = {
        { "/sensors", BIT(SENSOR) },
        { "/sensors/S1/thresholds", BIT(SENSOR) },
        { "/readings", BIT(READING) },
        { "/batch/readings", BIT(READING) },
        { "/batch/sensors/update", BIT(SENSOR) },
        { "/auth/login", 0 },
        { "/cache/policies", 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(cache_kinds_written(cases[i].path), cases[i].kinds);
}

static void a_write_that_nobody_foresaw_changes_everything(void **state)
{
    (void)state;
    assert_int_equal(cache_kinds_written("/novelties/7"), BIT(ANY));
    assert_int_equal(cache_kinds_written("/sensorship"), BIT(ANY));
}

static void an_event_names_its_kind(void **state)
{
    (void)state;
    assert_int_equal(cache_kinds_of_event("zone"), BIT(ZONE));
    assert_int_equal(cache_kinds_of_event("credential"), 0);
    assert_int_equal(cache_kinds_of_event("network"), BIT(ASSET));
    assert_int_equal(cache_kinds_of_event("novelty"), BIT(ANY));
}

static void class_names_are_read_back(void **state)
{
    (void)state;
    for (enum cache_class class = CACHE_NONE + 1; class < CACHE_CLASS_COUNT; class ++) {
        enum cache_class found = CACHE_NONE;
        assert_true(cache_class_parse(cache_class_name(class), &found));
        assert_int_equal(found, class);
    }
    enum cache_class ignored;
    assert_false(cache_class_parse("none", &ignored));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_depends_on_its_own_kind_on_those_above_it_and_on_any),
        cmocka_unit_test(counts_of_things_depend_on_all_of_them_but_not_on_readings),
        cmocka_unit_test(an_answer_from_an_unknown_place_depends_on_everything),
        cmocka_unit_test(what_is_made_from_readings_depends_on_readings_and_on_the_sensor),
        cmocka_unit_test(a_write_changes_its_own_kind),
        cmocka_unit_test(a_write_that_nobody_foresaw_changes_everything),
        cmocka_unit_test(an_event_names_its_kind),
        cmocka_unit_test(class_names_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
