/* Counters, gauges and histograms, and their Prometheus text (format 0.0.4). One registry a process; a metric is made
 * once, before the threads that use it, and lives as long as the process. Updating is lock-free. Names: base units,
 * _total for counters, nwims_<service>_... for what is ours. Labels only from bounded sets: never a device or a tenant.
 */
#pragma once
#include "base/buffer.h"
#include "base/compiler.h"

struct metric;

/* labels: NULL or "route=\"/sensors/{id}\",method=\"GET\"" (already in Prometheus form; copied). The same name with
 * other labels is another time series of one family; the same name and labels give the same metric. Never NULL: when a
 * ceiling is reached a metric that nobody reads is given and nwims_metrics_dropped_total counts. */
struct metric *metrics_counter(const char *name, const char *labels, const char *help);
struct metric *metrics_gauge(const char *name, const char *labels, const char *help);
/* bounds: rising upper bounds, kept by the caller; NULL: the usual ones for seconds (0.001 ... 10). */
struct metric *metrics_histogram(
    const char *name, const char *labels, const char *help, const double *bounds, size_t count);

void metric_add(struct metric *metric, uint64_t count);
void metric_set(struct metric *metric, double value);
/* A gauge up or down: how many are open, waiting, running. */
void metric_shift(struct metric *metric, int64_t by);
void metric_observe(struct metric *metric, double value);
/* What a counter or gauge says now; for tests and status pages. */
double metric_value(const struct metric *metric);

/* Memory that the process holds now; 0 if the system does not say. */
int64_t metrics_resident_bytes(void);
/* Everything, with process_* (resident memory, CPU, open files, start time) and nwims_build_info. */
void metrics_render(struct buffer *out, const char *service, const char *version);
