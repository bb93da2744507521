#include "base/clock.h"
#include "password_gate.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t in_ms(int64_t ms)
{
    return clock_monotonic_us() + ms * 1000;
}

static void no_more_than_allowed_are_inside(void **state)
{
    AUTO(password_gate) gate = NULL;
    struct err err = { 0 };
    (void)state;
    assert_true(password_gate_open(&gate, 2, 0, &err));
    assert_true(password_gate_enter(gate, in_ms(1000), &err));
    assert_true(password_gate_enter(gate, in_ms(1000), &err));
    assert_false(password_gate_enter(gate, in_ms(1000), &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    password_gate_leave(gate);
    assert_true(password_gate_enter(gate, in_ms(1000), &err));
}

static void who_waits_too_long_is_told(void **state)
{
    AUTO(password_gate) gate = NULL;
    struct err err = { 0 };
    (void)state;
    assert_true(password_gate_open(&gate, 1, 1, &err));
    assert_true(password_gate_enter(gate, in_ms(1000), &err));
    int64_t begin = clock_monotonic_us();
    assert_false(password_gate_enter(gate, in_ms(60), &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
    assert_true(clock_monotonic_us() - begin >= 60000);
    password_gate_leave(gate);
    assert_true(password_gate_enter(gate, in_ms(1000), &err)); /* nobody is counted as waiting any more */
}

static struct {
    struct password_gate *gate;
    atomic_int inside, most, passed, refused;
} crowd;

static void *push_through(void *argument)
{
    (void)argument;
    for (int i = 0; i < 50; i++) {
        struct err err = { 0 };
        if (!password_gate_enter(crowd.gate, in_ms(2000), &err)) {
            atomic_fetch_add(&crowd.refused, 1);
            continue;
        }
        int now = atomic_fetch_add(&crowd.inside, 1) + 1;
        if (now > atomic_load(&crowd.most))
            atomic_store(&crowd.most, now);
        clock_sleep_ms(1);
        atomic_fetch_sub(&crowd.inside, 1);
        atomic_fetch_add(&crowd.passed, 1);
        password_gate_leave(crowd.gate);
    }
    return NULL;
}

static void a_crowd_is_counted_right(void **state)
{
    pthread_t threads[8];
    struct err err = { 0 };
    (void)state;
    assert_true(password_gate_open(&crowd.gate, 2, 3, &err));
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push_through, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&crowd.most) <= 2);
    assert_int_equal(atomic_load(&crowd.passed) + atomic_load(&crowd.refused), 400);
    assert_true(atomic_load(&crowd.passed) > 2);
    password_gate_close(crowd.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_allowed_are_inside),
        cmocka_unit_test(who_waits_too_long_is_told),
        cmocka_unit_test(a_crowd_is_counted_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
