#include "metrics/metric_window.h"
#include "metrics/metrics_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A metric's marks: its values at the last turn and at the one before. Kept with the metric, under the registry's lock.
 */
struct metric_marks {
    uint64_t value[2];
    uint64_t *buckets[2]; /* of a histogram; into the same allocation */
};
enum { MOST_BUCKETS = 65 };

static struct {
    int64_t turned_us[2]; /* the last turn and the one before; 0: before the first */
    int newer;            /* which of the two is the last */
} window;                 /* under the registry's lock */

static int64_t started_us; /* the first that anybody asked for, or turned */

static struct metric_marks *marks_of(struct metric *metric)
{
    size_t count = metric->kind == METRIC_HISTOGRAM ? metric->bound_count + 1 : 0;
    if (metric->marks)
        return metric->marks;
    struct metric_marks *marks = calloc(1, sizeof *marks + 2 * count * sizeof(uint64_t));
    if (!marks)
        return NULL;
    marks->buckets[0] = (uint64_t *)(void *)(marks + 1);
    marks->buckets[1] = marks->buckets[0] + count;
    return metric->marks = marks;
}

static uint64_t read_value(const atomic_uint_fast64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void mark_family(void *context, const struct metric_family *family)
{
    int which = *(const int *)context;
    for (struct metric *metric = family->first; metric; metric = metric->next) {
        struct metric_marks *marks = metric->kind == METRIC_GAUGE ? NULL : marks_of(metric);
        if (!marks)
            continue;
        marks->value[which] = read_value(&metric->value);
        for (size_t i = 0; metric->kind == METRIC_HISTOGRAM && i <= metric->bound_count; i++)
            marks->buckets[which][i] = read_value(&metric->buckets[i]);
    }
}

struct turn {
    int which;
    int64_t now_us;
    bool is_begun;
};

/* Visited under the lock: the first family of the list begins the turn for all. */
static void turn_family(void *context, const struct metric_family *family)
{
    struct turn *turn = context;
    if (!turn->is_begun) {
        turn->which = window.newer = 1 - window.newer;
        window.turned_us[turn->which] = turn->now_us;
        started_us = started_us ? started_us : turn->now_us;
        turn->is_begun = true;
    }
    mark_family(&turn->which, family);
}

void metric_window_turn(int64_t now_us)
{
    struct turn turn = { .now_us = now_us };
    metrics_each_family(turn_family, &turn);
}

struct reading {
    const char *family;
    int64_t now_us, length_us;
    metric_window_visit *visit;
    void *context;
};

static void read_histogram(const struct metric *metric, const struct metric_marks *marks, int since,
    struct metric_recent *recent, uint64_t counts[MOST_BUCKETS], bool *out_moved)
{
    *out_moved = false;
    for (size_t i = 0; i <= metric->bound_count && i < MOST_BUCKETS; i++) {
        counts[i] = read_value(&metric->buckets[i]) - (marks ? marks->buckets[since][i] : 0);
        *out_moved = *out_moved || counts[i] > 0;
    }
    recent->is_histogram = true;
    recent->value = metric_value(metric) - (marks ? metric_double_of(marks->value[since]) : 0);
    recent->bounds = metric->bounds;
    recent->bound_count = metric->bound_count;
    recent->counts = counts;
}

static void read_family(void *context, const struct metric_family *family)
{
    struct reading *reading = context;
    int since = 1 - window.newer;
    if (strcmp(family->name, reading->family) != 0)
        return;
    int64_t begun_us = window.turned_us[since] ? window.turned_us[since] : started_us;
    reading->length_us = begun_us ? reading->now_us - begun_us : 0;
    for (const struct metric *metric = family->first; metric; metric = metric->next) {
        uint64_t counts[MOST_BUCKETS];
        const struct metric_marks *marks = metric->marks;
        struct metric_recent recent = { .family = family->name, .labels = metric->labels };
        bool has_moved = true;
        if (metric->kind == METRIC_HISTOGRAM) {
            read_histogram(metric, marks, since, &recent, counts, &has_moved);
        } else if (metric->kind == METRIC_COUNTER) {
            recent.value = (double)(read_value(&metric->value) - (marks ? marks->value[since] : 0));
            has_moved = recent.value > 0;
        } else {
            recent.value = metric_value(metric);
        }
        if (has_moved)
            reading->visit(reading->context, &recent);
    }
}

int64_t metric_window_each(const char *family, int64_t now_us, metric_window_visit *visit, void *context)
{
    struct reading reading = { .family = family, .now_us = now_us, .visit = visit, .context = context };
    metrics_each_family(read_family, &reading);
    return reading.length_us;
}

double metric_quantile(const double *bounds, size_t bound_count, const uint64_t *counts, double share)
{
    uint64_t total = 0, below = 0;
    for (size_t i = 0; i <= bound_count; i++)
        total += counts[i];
    if (total == 0 || bound_count == 0)
        return NAN;
    double rank = share * (double)total;
    for (size_t i = 0; i < bound_count; i++) {
        double from = i > 0 ? bounds[i - 1] : 0;
        if ((double)(below + counts[i]) >= rank && counts[i] > 0)
            return from + (bounds[i] - from) * ((rank - (double)below) / (double)counts[i]);
        below += counts[i];
    }
    return bounds[bound_count - 1];
}
