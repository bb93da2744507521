#include "nwims/v1/common.pb-c.h"
#include "rpc/rpc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_violation_fails_in_one_line(void **state)
{
    struct arena arena;
    struct err err = { 0 };
    Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
    struct rpc_call call = { .arena = &arena, .failure = &failure };
    (void)state;
    arena_init(&arena, 100000);
    assert_false(rpc_violation(&call, &err, "name", "must have %d bytes", 3));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, "name: must have 3 bytes");
    assert_int_equal(failure.n_violations, 1);
    assert_string_equal(failure.violations[0]->field, "name");
    arena_done(&arena);
}

static void there_is_an_end_to_violations(void **state)
{
    struct arena arena;
    struct err err = { 0 };
    Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
    struct rpc_call call = { .arena = &arena, .failure = &failure };
    (void)state;
    arena_init(&arena, 1000000);
    for (int i = 0; i < 1500; i++)
        assert_false(rpc_violation(&call, &err, "name", "%d", i));
    assert_int_equal(failure.n_violations, 1000);
    assert_string_equal(failure.violations[999]->reason, "999");
    arena_done(&arena);
}

static void without_memory_it_still_fails(void **state)
{
    struct arena arena;
    struct err err = { 0 };
    Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
    struct rpc_call call = { .arena = &arena, .failure = &failure };
    (void)state;
    arena_init(&arena, 1);
    assert_false(rpc_violation(&call, &err, "name", "is wrong"));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(failure.n_violations, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_violation_fails_in_one_line),
        cmocka_unit_test(there_is_an_end_to_violations),
        cmocka_unit_test(without_memory_it_still_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
