/* The timers of a loop: in order, moved forth and back, cleared, removed. */
#include "net/net_timer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 1000 };

static void timers_come_in_the_order_of_their_times(void **state)
{
    static struct net_timer timers[MANY];
    struct net_timers heap = { 0 };
    int64_t last_us = 0;
    (void)state;
    assert_true(net_timers_reserve(&heap, MANY));
    for (size_t i = 0; i < MANY; i++) {
        net_timer_init(&timers[i], false);
        net_timer_set(&heap, &timers[i], (int64_t)(i * 7919 % MANY) + 1);
    }
    for (size_t i = 0; i < MANY; i++) {
        struct net_timer *timer = net_timers_next(&heap, MANY + 1);
        assert_non_null(timer);
        int64_t due_us = (int64_t)((size_t)(timer - timers) * 7919 % MANY) + 1;
        assert_true(due_us >= last_us);
        last_us = due_us;
    }
    assert_null(net_timers_next(&heap, INT64_MAX - 1));
    net_timers_done(&heap);
}

static void a_timer_that_was_moved_back_does_not_come_early(void **state)
{
    struct net_timer a, b;
    struct net_timers heap = { 0 };
    (void)state;
    assert_true(net_timers_reserve(&heap, 2));
    net_timer_init(&a, false);
    net_timer_init(&b, true);
    net_timer_set(&heap, &a, 10);
    net_timer_set(&heap, &b, 20);
    net_timer_set(&heap, &a, 30);
    assert_null(net_timers_next(&heap, 15));
    assert_ptr_equal(net_timers_next(&heap, 25), &b);
    assert_int_equal(net_timers_due(&heap), 30);
    net_timer_set(&heap, &a, 5);
    assert_ptr_equal(net_timers_next(&heap, 6), &a);
    assert_int_equal(net_timers_due(&heap), INT64_MAX);
    net_timers_done(&heap);
}

static void a_cleared_or_removed_timer_never_comes(void **state)
{
    struct net_timer a, b, c;
    struct net_timers heap = { 0 };
    (void)state;
    assert_true(net_timers_reserve(&heap, 3));
    net_timer_init(&a, false);
    net_timer_init(&b, false);
    net_timer_init(&c, false);
    net_timer_set(&heap, &a, 1);
    net_timer_set(&heap, &b, 2);
    net_timer_set(&heap, &c, 3);
    net_timer_clear(&a);
    net_timer_remove(&heap, &b);
    net_timer_remove(&heap, &b);
    assert_ptr_equal(net_timers_next(&heap, 100), &c);
    assert_null(net_timers_next(&heap, 100));
    net_timer_set(&heap, &a, 4); /* and it may be used again */
    assert_ptr_equal(net_timers_next(&heap, 100), &a);
    net_timers_done(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_in_the_order_of_their_times),
        cmocka_unit_test(a_timer_that_was_moved_back_does_not_come_early),
        cmocka_unit_test(a_cleared_or_removed_timer_never_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
