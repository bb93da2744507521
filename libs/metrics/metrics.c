#include "metrics/metrics_internal.h"
#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A service has some hundred; the ceiling only stops a bug that makes labels out of what callers send. */
enum { MOST_METRICS = 8192, MOST_BOUNDS = 64 };

static const double seconds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };

static atomic_uint_fast64_t spare_buckets[MOST_BOUNDS + 1];
/* What is given out when a metric cannot be made: callers need not check, nobody reads it. */
static struct metric spares[] = {
    [METRIC_COUNTER] = { .kind = METRIC_COUNTER, .labels = "" },
    [METRIC_GAUGE] = { .kind = METRIC_GAUGE, .labels = "" },
    [METRIC_HISTOGRAM] = { .kind = METRIC_HISTOGRAM, .labels = "", .buckets = spare_buckets },
};
static struct metric dropped = { .kind = METRIC_COUNTER, .labels = "" };
static struct metric_family dropped_family = {
    .name = (char[]){ "nwims_metrics_dropped_total" },
    .help = (char[]){ "Metrics that could not be made: too many, or a name that is none or of another kind." },
    .kind = METRIC_COUNTER,
    .first = &dropped,
};

static struct {
    pthread_mutex_t lock;
    struct metric_family *first;
    struct metric_family *last;
    size_t count;
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER, .first = &dropped_family, .last = &dropped_family };

double metric_double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint64_t metric_bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void metrics_each_family(void (*visit)(void *context, const struct metric_family *family), void *context)
{
    pthread_mutex_lock(&registry.lock);
    for (const struct metric_family *family = registry.first; family; family = family->next)
        visit(context, family);
    pthread_mutex_unlock(&registry.lock);
}

static bool is_name(const char *name)
{
    if (!name || !(isalpha((unsigned char)*name) || *name == '_' || *name == ':'))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != ':')
            return false;
    return true;
}

static bool bounds_rise(const double *bounds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(bounds[i]) || (i > 0 && !(bounds[i] > bounds[i - 1])))
            return false;
    return count <= MOST_BOUNDS;
}

static void *zeroed_lines(size_t size)
{
    size_t rounded = (size + CACHE_LINE_BYTES - 1) & ~(size_t)(CACHE_LINE_BYTES - 1);
    void *place = aligned_alloc(CACHE_LINE_BYTES, rounded);
    return place ? memset(place, 0, rounded) : NULL;
}

static struct metric_family *family_for(const char *name, enum metric_kind kind, const char *help)
{
    for (struct metric_family *family = registry.first; family; family = family->next)
        if (strcmp(family->name, name) == 0)
            return family->kind == kind ? family : NULL;
    struct metric_family *family = calloc(1, sizeof *family);
    if (!family)
        return NULL;
    *family = (struct metric_family){ .name = strdup(name), .help = strdup(help ? help : ""), .kind = kind };
    if (!family->name || !family->help) {
        free(family->name);
        free(family->help);
        free(family);
        return NULL;
    }
    registry.last->next = family;
    registry.last = family;
    return family;
}

static struct metric *metric_new(enum metric_kind kind, const char *labels, const double *bounds, size_t count)
{
    struct metric *metric = zeroed_lines(sizeof *metric);
    char *kept = strdup(labels); /* whoever makes them of parts has them on the stack */
    if (!metric || !kept) {
        free(metric);
        free(kept);
        return NULL;
    }
    metric->kind = kind;
    metric->labels = kept;
    metric->bounds = bounds;
    metric->bound_count = count;
    if (kind != METRIC_HISTOGRAM)
        return metric;
    metric->buckets = zeroed_lines((count + 1) * sizeof *metric->buckets);
    if (!metric->buckets) {
        free(kept);
        free(metric);
        return NULL;
    }
    return metric;
}

static struct metric *find_or_make(
    enum metric_kind kind, const char *name, const char *labels, const char *help, const double *bounds, size_t count)
{
    struct metric_family *family = family_for(name, kind, help);
    if (!family)
        return NULL;
    struct metric **end = &family->first;
    for (; *end; end = &(*end)->next)
        if (strcmp((*end)->labels, labels) == 0)
            return *end;
    if (registry.count == MOST_METRICS)
        return NULL;
    struct metric *metric = metric_new(kind, labels, bounds, count);
    if (metric)
        registry.count++;
    return *end = metric;
}

static struct metric *metric_of(
    enum metric_kind kind, const char *name, const char *labels, const char *help, const double *bounds, size_t count)
{
    struct metric *metric = NULL;
    if (is_name(name) && bounds_rise(bounds, count)) {
        pthread_mutex_lock(&registry.lock);
        metric = find_or_make(kind, name, labels ? labels : "", help, bounds, count);
        pthread_mutex_unlock(&registry.lock);
    }
    if (metric)
        return metric;
    metric_add(&dropped, 1);
    return &spares[kind];
}

struct metric *metrics_counter(const char *name, const char *labels, const char *help)
{
    return metric_of(METRIC_COUNTER, name, labels, help, NULL, 0);
}

struct metric *metrics_gauge(const char *name, const char *labels, const char *help)
{
    return metric_of(METRIC_GAUGE, name, labels, help, NULL, 0);
}

struct metric *metrics_histogram(
    const char *name, const char *labels, const char *help, const double *bounds, size_t count)
{
    return metric_of(
        METRIC_HISTOGRAM, name, labels, help, bounds ? bounds : seconds, bounds ? count : COUNT_OF(seconds));
}

static void add_real(atomic_uint_fast64_t *bits, double by)
{
    uint64_t before = atomic_load_explicit(bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        bits, &before, metric_bits_of(metric_double_of(before) + by), memory_order_relaxed, memory_order_relaxed))
        continue;
}

void metric_add(struct metric *metric, uint64_t count)
{
    if (metric->kind == METRIC_COUNTER)
        atomic_fetch_add_explicit(&metric->value, count, memory_order_relaxed);
    else if (metric->kind == METRIC_GAUGE)
        add_real(&metric->value, (double)count);
}

void metric_set(struct metric *metric, double value)
{
    if (metric->kind == METRIC_GAUGE)
        atomic_store_explicit(&metric->value, metric_bits_of(value), memory_order_relaxed);
}

void metric_shift(struct metric *metric, int64_t by)
{
    if (metric->kind == METRIC_GAUGE)
        add_real(&metric->value, (double)by);
}

void metric_observe(struct metric *metric, double value)
{
    if (metric->kind != METRIC_HISTOGRAM || isnan(value))
        return;
    size_t i = 0;
    while (i < metric->bound_count && value > metric->bounds[i])
        i++;
    atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
    add_real(&metric->value, value);
}

double metric_value(const struct metric *metric)
{
    uint64_t value = atomic_load_explicit(&metric->value, memory_order_relaxed);
    return metric->kind == METRIC_COUNTER ? (double)value : metric_double_of(value);
}
