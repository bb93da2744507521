/* What keeps a few from taking it all: wrong tokens counted by address, bodies counted in bytes. */
#include "body_budget.h"
#include "failure_gate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MINUTE_US INT64_C(60000000)

static void an_address_is_shut_out_for_a_minute(void **state)
{
    AUTO(failure_gate) gate = failure_gate_new(3);
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(failure_gate_is_open(gate, "192.0.2.1", i));
        failure_gate_count(gate, "192.0.2.1", i);
    }
    assert_false(failure_gate_is_open(gate, "192.0.2.1", 3));
    assert_true(failure_gate_is_open(gate, "192.0.2.2", 3));
    assert_false(failure_gate_is_open(gate, "192.0.2.1", MINUTE_US - 1));
    assert_true(failure_gate_is_open(gate, "192.0.2.1", MINUTE_US));
    failure_gate_count(gate, "192.0.2.1", MINUTE_US);
    assert_true(failure_gate_is_open(gate, "192.0.2.1", MINUTE_US));
}

static void any_number_of_addresses_takes_the_same_memory(void **state)
{
    AUTO(failure_gate) gate = failure_gate_new(1);
    char address[24];
    int shut = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        failure_gate_count(gate, address, 0);
        assert_false(failure_gate_is_open(gate, address, 0)); /* the last one always has its place */
    }
    for (int i = 0; i < 100000; i++) {
        snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        shut += !failure_gate_is_open(gate, address, 0);
    }
    assert_in_range(shut, 1000, 4096);
}

static void bodies_fit_into_the_budget_or_wait(void **state)
{
    struct body_budget budget;
    (void)state;
    body_budget_init(&budget, 100);
    assert_true(body_budget_take(&budget, 60));
    assert_false(body_budget_take(&budget, 41));
    assert_true(body_budget_take(&budget, 40));
    assert_false(body_budget_take(&budget, 1));
    assert_true(body_budget_take(&budget, 0));
    body_budget_give_back(&budget, 60);
    assert_true(body_budget_take(&budget, 60));
    assert_false(body_budget_take(&budget, SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_shut_out_for_a_minute),
        cmocka_unit_test(any_number_of_addresses_takes_the_same_memory),
        cmocka_unit_test(bodies_fit_into_the_budget_or_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
