/* What the registry and its rendering share. */
#pragma once
#include "metrics/metrics.h"
#include <stdatomic.h>

enum { CACHE_LINE_BYTES = 64 };
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_marks;
/* One time series. What changes has cache lines of its own, so that two busy metrics do not slow each other down. */
struct metric {
    _Alignas(CACHE_LINE_BYTES)
        atomic_uint_fast64_t value; /* count; bits of a double for gauges; of the sum for histograms */
    _Alignas(CACHE_LINE_BYTES) enum metric_kind kind;
    const char *labels; /* "" if none */
    const double *bounds;
    size_t bound_count;
    atomic_uint_fast64_t *buckets; /* bound_count + 1, the last is beyond all bounds */
    struct metric *next;           /* of the same family */
    struct metric_marks *marks;    /* of metric_window.c; NULL: not marked yet */
};

/* All series of one name. */
struct metric_family {
    char *name;
    char *help;
    enum metric_kind kind;
    struct metric *first;
    struct metric_family *next;
};

/* In the order in which they were made; none can be made meanwhile. */
void metrics_each_family(void (*visit)(void *context, const struct metric_family *family), void *context);
double metric_double_of(uint64_t bits);
uint64_t metric_bits_of(double value);

/* process_* from /proc/self. */
void metrics_render_process(struct buffer *out);
/* "# HELP" and "# TYPE". */
void metrics_render_head(struct buffer *out, const char *name, const char *help, const char *type);
/* name{labels,more} value; labels and more may be "". */
void metrics_render_sample(struct buffer *out, const char *name, const char *labels, const char *more, double value);
