#include "metrics/metrics.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *render(void)
{
    static struct buffer text;
    buffer_reset(&text);
    metrics_render(&text, "a \"service\"", "1.2.3");
    assert_true(buffer_ok(&text));
    return text.data;
}

static bool has_line(const char *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
        if ((at == text || at[-1] == '\n') && at[length] == '\n')
            return true;
    return false;
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

static double dropped_count(void)
{
    const char *at = strstr(render(), "\nnwims_metrics_dropped_total ");
    assert_non_null(at);
    return strtod(at + strlen("\nnwims_metrics_dropped_total "), NULL);
}

static void a_counter_only_rises_and_is_shown(void **state)
{
    (void)state;
    struct metric *counter = metrics_counter("test_calls_total", NULL, "Calls.");
    metric_add(counter, 2);
    metric_add(counter, 40);
    metric_set(counter, 7);    /* not for counters */
    metric_shift(counter, -1); /* nor this */
    metric_observe(counter, 1);
    assert_true(metric_value(counter) == 42);
    assert_true(has_line(render(), "test_calls_total 42"));
    assert_true(has_line(render(), "# TYPE test_calls_total counter"));
    assert_true(has_line(render(), "# HELP test_calls_total Calls."));
}

static void a_gauge_goes_up_and_down(void **state)
{
    (void)state;
    struct metric *gauge = metrics_gauge("test_open", NULL, "Open.");
    metric_set(gauge, 1.5);
    metric_shift(gauge, -3);
    metric_add(gauge, 1);
    assert_true(metric_value(gauge) == -0.5);
    assert_true(has_line(render(), "test_open -0.5"));
}

static void values_that_are_no_numbers_have_their_names(void **state)
{
    (void)state;
    metric_set(metrics_gauge("test_odd", "kind=\"nan\"", "Odd."), NAN);
    metric_set(metrics_gauge("test_odd", "kind=\"up\"", "Odd."), INFINITY);
    metric_set(metrics_gauge("test_odd", "kind=\"down\"", "Odd."), -INFINITY);
    assert_true(has_line(render(), "test_odd{kind=\"nan\"} NaN"));
    assert_true(has_line(render(), "test_odd{kind=\"up\"} +Inf"));
    assert_true(has_line(render(), "test_odd{kind=\"down\"} -Inf"));
}

static void a_histogram_counts_into_buckets_that_add_up(void **state)
{
    (void)state;
    static const double bounds[] = { 0.1, 1, 10 };
    struct metric *histogram = metrics_histogram("test_took_seconds", "route=\"/a\"", "Took.", bounds, 3);
    const double values[] = { 0.05, 0.1, 0.5, 10, 11, NAN };
    for (size_t i = 0; i < COUNT_OF(values); i++)
        metric_observe(histogram, values[i]);
    metric_add(histogram, 5); /* not for histograms */
    metric_set(histogram, 5);
    const char *text = render();
    assert_true(has_line(text, "test_took_seconds_bucket{route=\"/a\",le=\"0.1\"} 2"));
    assert_true(has_line(text, "test_took_seconds_bucket{route=\"/a\",le=\"1\"} 3"));
    assert_true(has_line(text, "test_took_seconds_bucket{route=\"/a\",le=\"10\"} 4"));
    assert_true(has_line(text, "test_took_seconds_bucket{route=\"/a\",le=\"+Inf\"} 5"));
    assert_true(has_line(text, "test_took_seconds_count{route=\"/a\"} 5"));
    assert_true(has_line(text, "test_took_seconds_sum{route=\"/a\"} 21.65"));
}

static void the_usual_bounds_reach_from_a_millisecond_to_ten_seconds(void **state)
{
    (void)state;
    metric_observe(metrics_histogram("test_usual_seconds", NULL, "Usual.", NULL, 0), 0.001);
    assert_true(has_line(render(), "test_usual_seconds_bucket{le=\"0.001\"} 1"));
    assert_true(has_line(render(), "test_usual_seconds_bucket{le=\"10\"} 1"));
}

static void the_same_name_is_one_family_and_the_same_labels_one_metric(void **state)
{
    (void)state;
    struct metric *first = metrics_counter("test_family_total", "a=\"1\"", "Family.");
    struct metric *second = metrics_counter("test_family_total", "a=\"2\"", "Family.");
    assert_ptr_equal(first, metrics_counter("test_family_total", "a=\"1\"", "Another text."));
    assert_ptr_not_equal(first, second);
    assert_int_equal(occurrences(render(), "# TYPE test_family_total "), 1);
    assert_int_equal(occurrences(render(), "# HELP test_family_total "), 1);
    assert_int_equal(occurrences(render(), "\ntest_family_total{"), 2);
}

static void help_is_escaped(void **state)
{
    (void)state;
    metrics_gauge("test_escaped", NULL, "a\\b\nc\"d");
    assert_true(has_line(render(), "# HELP test_escaped a\\\\b\\nc\"d"));
    assert_true(has_line(render(), "nwims_build_info{service=\"a \\\"service\\\"\",version=\"1.2.3\"} 1"));
}

static void what_cannot_be_made_is_counted_and_never_null(void **state)
{
    (void)state;
    static const double falling[] = { 2, 1 };
    double before = dropped_count();
    metrics_counter("test_kind", NULL, "Kind.");
    struct metric *bad[] = {
        metrics_counter("no-name", NULL, "x"),
        metrics_counter("", NULL, "x"),
        metrics_counter(NULL, NULL, "x"),
        metrics_counter("1a", NULL, "x"),
        metrics_gauge("test_kind", NULL, "another kind"),
        metrics_histogram("test_falling", NULL, "x", falling, 2),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_non_null(bad[i]);
        metric_add(bad[i], 1);
        metric_set(bad[i], 1);
        metric_observe(bad[i], 1);
    }
    assert_true(dropped_count() == before + (double)COUNT_OF(bad));
    assert_null(strstr(render(), "no-name"));
    assert_null(strstr(render(), "test_falling"));
}

static void the_process_is_described(void **state)
{
    (void)state;
    static const char *const names[] = { "process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_heap_used_bytes", "process_heap_free_bytes", "process_virtual_memory_bytes", "process_open_fds",
        "process_max_fds", "process_start_time_seconds", "process_threads" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char start[64];
        snprintf(start, sizeof start, "\n%s ", names[i]);
        const char *at = strstr(render(), start);
        assert_non_null(at);
        double value = strtod(at + strlen(start), NULL);
        /* A young process has used no time; with a sanitizer's allocator the C library's heap is empty. */
        bool may_be_zero = i == 0 || strncmp(names[i], "process_heap_", strlen("process_heap_")) == 0;
        assert_true(may_be_zero ? value >= 0 : value > 0);
        if (strcmp(names[i], "process_start_time_seconds") == 0)
            assert_true(value > 1.6e9 && value < 1e10);
    }
}

enum { THREADS = 4, TIMES = 20000 };
static struct metric *shared_counter, *shared_gauge, *shared_histogram;

static void *use_all(void *argument)
{
    for (int i = 0; i < TIMES; i++) {
        metric_add(shared_counter, 1);
        metric_shift(shared_gauge, i % 2 ? 1 : -1);
        metric_observe(shared_histogram, 0.5);
        if (i % 1000 == 0)
            assert_ptr_equal(shared_counter, metrics_counter("test_shared_total", NULL, "Shared."));
    }
    return argument;
}

static void no_update_of_many_threads_is_lost(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    shared_counter = metrics_counter("test_shared_total", NULL, "Shared.");
    shared_gauge = metrics_gauge("test_shared_open", NULL, "Shared.");
    shared_histogram = metrics_histogram("test_shared_seconds", NULL, "Shared.", NULL, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_all, NULL), 0);
    for (int i = 0; i < 5; i++)
        render();
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(metric_value(shared_counter) == THREADS * TIMES);
    assert_true(metric_value(shared_gauge) == 0);
    assert_true(metric_value(shared_histogram) == THREADS * TIMES * 0.5);
    assert_true(has_line(render(), "test_shared_seconds_count 80000"));
}

static void too_many_series_are_dropped_not_kept(void **state)
{
    (void)state;
    static char labels[9000][16];
    double before = dropped_count();
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        snprintf(labels[i], sizeof labels[i], "i=\"%zu\"", i);
        metric_add(metrics_counter("test_many_total", labels[i], "Many."), 1);
    }
    assert_true(dropped_count() > before);
    assert_true(occurrences(render(), "\ntest_many_total{") < COUNT_OF(labels));
}

static void labels_are_copied(void **state)
{
    (void)state;
    char labels[32] = "way=\"in\"";
    struct metric *in = metrics_counter("nwims_test_copied_total", labels, "Copied");
    memcpy(labels, "way=\"up\"", 9);
    struct metric *up = metrics_counter("nwims_test_copied_total", labels, "Copied");
    assert_ptr_not_equal(in, up);
    memcpy(labels, "way=\"in\"", 9);
    assert_ptr_equal(metrics_counter("nwims_test_copied_total", labels, "Copied"), in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_only_rises_and_is_shown), cmocka_unit_test(a_gauge_goes_up_and_down),
        cmocka_unit_test(values_that_are_no_numbers_have_their_names),
        cmocka_unit_test(a_histogram_counts_into_buckets_that_add_up),
        cmocka_unit_test(the_usual_bounds_reach_from_a_millisecond_to_ten_seconds),
        cmocka_unit_test(the_same_name_is_one_family_and_the_same_labels_one_metric), cmocka_unit_test(help_is_escaped),
        cmocka_unit_test(what_cannot_be_made_is_counted_and_never_null), cmocka_unit_test(the_process_is_described),
        cmocka_unit_test(no_update_of_many_threads_is_lost), cmocka_unit_test(labels_are_copied),
        cmocka_unit_test(too_many_series_are_dropped_not_kept), /* last: it fills the registry */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
