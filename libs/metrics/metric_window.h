/* What happened of late: the counters and histograms of the process over the last half a minute or so, for status pages
 * that show rates and quantiles of now without keeping samples themselves. One thread turns; any thread reads. */
#pragma once
#include "metrics/metrics.h"
#include <stdint.h>

/* To be called every so often: what is read later counts from the turn before the last one on (from the start of the
 * process at first), so that a window is one to two turns long. */
void metric_window_turn(int64_t now_us);

struct metric_recent {
    const char *family;
    const char *labels; /* "" if none */
    bool is_histogram;
    double value;         /* counter: since the window began; gauge: now; histogram: sum of what was observed in it */
    const double *bounds; /* of a histogram: upper bounds ... */
    size_t bound_count;
    const uint64_t *counts; /* ... and bound_count + 1 counts in the window, not cumulated; until visit returns */
};
typedef void metric_window_visit(void *context, const struct metric_recent *recent);
/* Calls visit for each metric of this family; what did not move in the window is left out, gauges are not. Gives the
 * window's length in microseconds. visit must make no metric. */
int64_t metric_window_each(const char *family, int64_t now_us, metric_window_visit *visit, void *context);

/* The value below which this share (0 to 1) of the counts lies, by a straight line within its bucket, as Prometheus
 * does it (histogram_quantile); the last bound for what lies beyond; NAN without counts. */
double metric_quantile(const double *bounds, size_t bound_count, const uint64_t *counts, double share);
