/* Work in rounds on a thread of its own, and waits that end on time. */
#include "base/clock.h"
#include "base/condition.h"
#include "base/rounds.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { A_DAY_MS = 86400000, LONGEST_MS = 10000 };

struct work {
    struct rounds *rounds;
    atomic_int begun, ended;
    atomic_int pause_ms;
    atomic_bool is_long; /* a round lasts until somebody wants to stop */
};

static int64_t do_round(void *context)
{
    struct work *work = context;
    atomic_fetch_add(&work->begun, 1);
    while (atomic_load(&work->is_long) && !rounds_is_stopping(work->rounds))
        clock_sleep_ms(1);
    atomic_fetch_add(&work->ended, 1);
    return atomic_load(&work->pause_ms);
}

static void start(struct work *work, int64_t first_ms, size_t stack_bytes)
{
    struct err err = { 0 };
    const struct rounds_config config = {
        .what = "a test", .run = do_round, .context = work, .first_ms = first_ms, .stack_bytes = stack_bytes
    };
    assert_true(rounds_start(&work->rounds, &config, &err));
}

static void await(atomic_int *count, int least)
{
    int64_t end_us = clock_end_us(LONGEST_MS);
    while (atomic_load(count) < least && clock_monotonic_us() < end_us)
        clock_sleep_ms(1);
    assert_true(atomic_load(count) >= least);
}

static void rounds_follow_each_other_with_the_pause_that_each_says(void **state)
{
    struct work work = { .pause_ms = 0 };
    (void)state;
    start(&work, 0, 256 * 1024);
    await(&work.ended, 3);
    atomic_store(&work.pause_ms, A_DAY_MS);
    rounds_stop(work.rounds);
    assert_int_equal(work.begun, work.ended);
}

static void stopping_cuts_a_pause_short(void **state)
{
    struct work work = { .pause_ms = A_DAY_MS };
    (void)state;
    start(&work, 0, 0);
    await(&work.ended, 1);
    rounds_stop(work.rounds);
    assert_int_equal(work.ended, 1);
    start(&work, A_DAY_MS, 0);
    rounds_stop(work.rounds);
    assert_int_equal(work.ended, 1);
}

static void waking_brings_the_next_round_at_once(void **state)
{
    struct work work = { .pause_ms = A_DAY_MS };
    (void)state;
    start(&work, A_DAY_MS, 0);
    for (int i = 1; i <= 3; i++) {
        rounds_wake(work.rounds);
        await(&work.ended, i);
    }
    rounds_stop(work.rounds);
}

static void who_is_woken_during_a_round_does_one_more(void **state)
{
    struct work work = { .pause_ms = A_DAY_MS };
    (void)state;
    atomic_store(&work.is_long, true);
    start(&work, 0, 0);
    await(&work.begun, 1);
    rounds_wake(work.rounds);
    atomic_store(&work.is_long, false);
    await(&work.ended, 2);
    rounds_stop(work.rounds);
}

static void a_long_round_hears_that_it_is_to_end(void **state)
{
    struct work work = { .pause_ms = 0 };
    (void)state;
    atomic_store(&work.is_long, true);
    start(&work, 0, 0);
    await(&work.begun, 1);
    rounds_stop(work.rounds);
    assert_int_equal(work.ended, work.begun);
}

static void a_thread_that_cannot_be_had_is_an_error(void **state)
{
    struct work work = { .pause_ms = 0 };
    struct err err = { 0 };
    (void)state;
    const struct rounds_config config = { .what = "a test", .run = do_round, .context = &work, .stack_bytes = 1 };
    assert_false(rounds_start(&work.rounds, &config, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.text, "no thread for a test");
    assert_null(work.rounds);
    rounds_wake(NULL);
    rounds_stop(NULL);
}

static void a_wait_ends_on_time(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    (void)state;
    condition_init(&condition);
    int64_t start_us = clock_monotonic_us();
    pthread_mutex_lock(&lock);
    while (condition_wait_until(&condition, &lock, start_us + 20000))
        ;
    pthread_mutex_unlock(&lock);
    assert_true(clock_monotonic_us() - start_us >= 20000);
    assert_true(clock_end_us(-5) <= clock_monotonic_us());
    assert_true(clock_end_us(INT64_MAX) > start_us);
    pthread_cond_destroy(&condition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_follow_each_other_with_the_pause_that_each_says),
        cmocka_unit_test(stopping_cuts_a_pause_short),
        cmocka_unit_test(waking_brings_the_next_round_at_once),
        cmocka_unit_test(who_is_woken_during_a_round_does_one_more),
        cmocka_unit_test(a_long_round_hears_that_it_is_to_end),
        cmocka_unit_test(a_thread_that_cannot_be_had_is_an_error),
        cmocka_unit_test(a_wait_ends_on_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
