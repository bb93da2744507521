/* What an answer depends on, and what a write may have changed. */
#include "cache/cache_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BIT(kind) (1u << CACHE_KIND_##kind)

static void an_answer_depends_on_its_own_kind_and_on_any(void **state)
{
    (void)state;
    assert_int_equal(cache_kinds_read("/sensors/S1", CACHE_ENTITY), BIT(ANY) | BIT(SENSOR));
    assert_int_equal(cache_kinds_read("/municipalities", CACHE_LIST), BIT(ANY) | BIT(MUNICIPALITY));
    assert_int_equal(cache_kinds_read("/sensors.geojson", CACHE_LIST), BIT(ANY) | BIT(SENSOR));
    assert_int_equal(cache_kinds_read("/elsewhere/1", CACHE_ENTITY), BIT(ANY));
}

static void what_is_made_from_readings_depends_on_readings_and_on_the_sensor(void **state)
{
    (void)state;
    assert_int_equal(cache_kinds_read("/sensors/S1/latest", CACHE_LATEST), BIT(ANY) | BIT(SENSOR) | BIT(READING));
    assert_int_equal(cache_kinds_read("/readings/aggregate", CACHE_SERIES), BIT(ANY) | BIT(SENSOR) | BIT(READING));
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
    assert_int_equal(cache_kinds_named("zone"), BIT(ZONE));
    assert_int_equal(cache_kinds_named("credential"), 0);
    assert_int_equal(cache_kinds_named("novelty"), BIT(ANY));
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
        cmocka_unit_test(an_answer_depends_on_its_own_kind_and_on_any),
        cmocka_unit_test(what_is_made_from_readings_depends_on_readings_and_on_the_sensor),
        cmocka_unit_test(a_write_changes_its_own_kind),
        cmocka_unit_test(a_write_that_nobody_foresaw_changes_everything),
        cmocka_unit_test(an_event_names_its_kind),
        cmocka_unit_test(class_names_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
