/* What is forgotten changes the stamp, and a number that was asked for before that is not taken in after it. */
#include "cache/cache_generations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TENANT = 7 };
#define SENSOR (1u << CACHE_KIND_SENSOR)
#define ZONE (1u << CACHE_KIND_ZONE)

static void learn_all(
    struct cache_generations *generations, int32_t tenant_id, unsigned kinds, struct cache_stamp *stamp)
{
    cache_generations_look(generations, tenant_id, kinds, stamp);
    if (stamp->all_is_missing)
        cache_generations_learn(generations, stamp, true, CACHE_KIND_ANY, cache_generation_new(), true);
    for (enum cache_kind kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (stamp->missing & cache_kind_bit(kind))
            cache_generations_learn(generations, stamp, false, kind, cache_generation_new(), true);
    cache_generations_look(generations, tenant_id, kinds, stamp);
    assert_int_equal(stamp->missing, 0);
    assert_false(stamp->all_is_missing);
}

static void a_stamp_lasts_until_something_of_it_is_forgotten(void **state)
{
    AUTO(cache_generations) generations = cache_generations_new();
    struct cache_stamp first, second;
    (void)state;
    learn_all(generations, TENANT, SENSOR | ZONE, &first);
    cache_generations_forget(generations, TENANT, 1u << CACHE_KIND_ASSET);
    cache_generations_look(generations, TENANT, SENSOR | ZONE, &second);
    assert_true(second.value == first.value && second.missing == 0);
    cache_generations_forget(generations, TENANT, ZONE);
    cache_generations_look(generations, TENANT, SENSOR | ZONE, &second);
    assert_int_equal(second.missing, ZONE);
    learn_all(generations, TENANT, SENSOR | ZONE, &second);
    assert_true(second.value != first.value);
}

static void what_was_asked_before_it_was_forgotten_is_not_learned(void **state)
{
    AUTO(cache_generations) generations = cache_generations_new();
    struct cache_stamp looked, after;
    (void)state;
    cache_generations_look(generations, TENANT, SENSOR, &looked);
    cache_generations_forget(generations, TENANT, SENSOR);
    cache_generations_learn(generations, &looked, false, CACHE_KIND_SENSOR, 5, true);
    cache_generations_look(generations, TENANT, SENSOR, &after);
    assert_int_equal(after.missing, SENSOR);
}

static void tenants_do_not_share_numbers_even_in_one_slot(void **state)
{
    AUTO(cache_generations) generations = cache_generations_new();
    struct cache_stamp stamp;
    (void)state;
    for (int32_t tenant = 1; tenant < 20000; tenant++) {
        cache_generations_look(generations, tenant, SENSOR, &stamp);
        assert_int_equal(stamp.missing, SENSOR);
        learn_all(generations, tenant, SENSOR, &stamp);
    }
}

static void own_numbers_are_not_for_redis_and_go_when_it_comes_back(void **state)
{
    AUTO(cache_generations) generations = cache_generations_new();
    struct cache_stamp stamp;
    (void)state;
    learn_all(generations, TENANT, SENSOR, &stamp);
    assert_true(stamp.is_shared);
    assert_false(cache_generations_have_unshared(generations));
    cache_generations_forget(generations, TENANT, SENSOR);
    cache_generations_look(generations, TENANT, SENSOR, &stamp);
    cache_generations_learn(generations, &stamp, false, CACHE_KIND_SENSOR, 5, false);
    cache_generations_look(generations, TENANT, SENSOR, &stamp);
    assert_true(stamp.missing == 0 && !stamp.is_shared);
    assert_true(cache_generations_have_unshared(generations));
    cache_generations_forget_unshared(generations);
    assert_false(cache_generations_have_unshared(generations));
    cache_generations_look(generations, TENANT, SENSOR, &stamp);
    assert_int_equal(stamp.missing, SENSOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stamp_lasts_until_something_of_it_is_forgotten),
        cmocka_unit_test(what_was_asked_before_it_was_forgotten_is_not_learned),
        cmocka_unit_test(tenants_do_not_share_numbers_even_in_one_slot),
        cmocka_unit_test(own_numbers_are_not_for_redis_and_go_when_it_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
