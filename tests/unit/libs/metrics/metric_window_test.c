/* A window counts what happened since the turn before the last, and quantiles lie where the counts do. */
#include "metrics/metric_window.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    size_t count;
    double value;
    uint64_t counts[3];
};

static void look(void *context, const struct metric_recent *recent)
{
    struct seen *seen = context;
    seen->count++;
    seen->value = recent->value;
    if (recent->is_histogram) {
        assert_int_equal(recent->bound_count, 2);
        memcpy(seen->counts, recent->counts, sizeof seen->counts);
    }
}

static struct seen look_at(const char *family, int64_t now_us, int64_t *out_length_us)
{
    struct seen seen = { 0 };
    *out_length_us = metric_window_each(family, now_us, look, &seen);
    return seen;
}

static void a_counter_is_shown_as_it_grew_since_the_turn_before_the_last(void **state)
{
    struct metric *counter = metrics_counter("test_window_total", NULL, "Window.");
    int64_t length_us;
    (void)state;
    metric_window_turn(1000000);
    metric_add(counter, 5);
    struct seen seen = look_at("test_window_total", 3000000, &length_us);
    assert_int_equal(seen.count, 1);
    assert_true(seen.value == 5);
    assert_int_equal(length_us, 2000000);
    metric_window_turn(4000000);
    metric_add(counter, 2);
    assert_true(look_at("test_window_total", 5000000, &length_us).value == 7);
    assert_int_equal(length_us, 4000000);
    metric_window_turn(6000000);
    metric_add(counter, 1);
    assert_true(look_at("test_window_total", 7000000, &length_us).value == 3);
    assert_int_equal(length_us, 3000000);
    metric_window_turn(8000000);
    metric_window_turn(9000000);
    assert_int_equal(look_at("test_window_total", 9500000, &length_us).count, 0); /* nothing moved: not shown */
}

static void a_histogram_is_shown_by_bucket_and_a_gauge_as_it_is(void **state)
{
    static const double bounds[] = { 1, 2 };
    struct metric *histogram = metrics_histogram("test_window_size", NULL, "Sizes.", bounds, 2);
    struct metric *gauge = metrics_gauge("test_window_level", NULL, "Level.");
    int64_t length_us;
    (void)state;
    metric_observe(histogram, 0.5);
    metric_set(gauge, 4.5);
    metric_window_turn(20000000);
    metric_window_turn(21000000);
    metric_observe(histogram, 1.5);
    metric_observe(histogram, 1.5);
    metric_observe(histogram, 7);
    struct seen seen = look_at("test_window_size", 22000000, &length_us);
    assert_int_equal(seen.counts[0], 0);
    assert_int_equal(seen.counts[1], 2);
    assert_int_equal(seen.counts[2], 1);
    assert_true(seen.value == 10);
    assert_true(look_at("test_window_level", 22000000, &length_us).value == 4.5);
    assert_int_equal(look_at("test_window_of_nobody", 22000000, &length_us).count, 0);
}

static void a_quantile_lies_on_a_line_within_its_bucket(void **state)
{
    static const double bounds[] = { 1, 2, 4 };
    static const struct {
        uint64_t counts[4];
        double share, expected;
    } cases[] = {
        { { 10, 0, 0, 0 }, 0.5, 0.5 }, { { 10, 10, 0, 0 }, 0.5, 1 }, { { 10, 10, 0, 0 }, 0.75, 1.5 },
        { { 0, 0, 100, 0 }, 0.99, 3.98 }, { { 1, 0, 0, 99 }, 0.5, 4 }, /* beyond the last bound nobody knows how far */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(fabs(metric_quantile(bounds, 3, cases[i].counts, cases[i].share) - cases[i].expected) < 1e-9);
    assert_true(isnan(metric_quantile(bounds, 3, (const uint64_t[4]){ 0 }, 0.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_is_shown_as_it_grew_since_the_turn_before_the_last),
        cmocka_unit_test(a_histogram_is_shown_by_bucket_and_a_gauge_as_it_is),
        cmocka_unit_test(a_quantile_lies_on_a_line_within_its_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
