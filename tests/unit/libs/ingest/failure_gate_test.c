/* An address that sends wrong tokens is told to wait; others are not. */
#include "ingest/failure_gate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_address_is_shut_out_after_its_failures_and_let_in_a_minute_later(void **state)
{
    AUTO(failure_gate) gate = failure_gate_new(3);
    const int64_t now_us = 1000000000;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(failure_gate_is_open(gate, "10.0.0.1", now_us));
        failure_gate_count(gate, "10.0.0.1", now_us);
    }
    assert_false(failure_gate_is_open(gate, "10.0.0.1", now_us + 59 * 1000000));
    assert_true(failure_gate_is_open(gate, "10.0.0.2", now_us));
    assert_true(failure_gate_is_open(gate, "10.0.0.1", now_us + 61 * 1000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_shut_out_after_its_failures_and_let_in_a_minute_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
