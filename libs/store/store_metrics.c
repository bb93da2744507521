#include "metrics/metrics.h"
#include "store/store_internal.h"

static struct {
    struct metric *busy, *wait, *exhausted, *connected, *refused, *conflict, *input, *transient, *bug;
} metrics;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct metric *failures(const char *labels)
{
    return metrics_counter("nwims_store_failures_total", labels, "Statements that PostgreSQL refused, by kind.");
}

static struct metric *connections(const char *labels)
{
    return metrics_counter("nwims_store_connections_total", labels, "Attempts to connect to PostgreSQL, by result.");
}

static void make(void)
{
    metrics.busy = metrics_gauge("nwims_store_sessions_busy", NULL, "Sessions of the pool in use.");
    metrics.wait =
        metrics_histogram("nwims_store_session_wait_seconds", NULL, "Time waited for a session of the pool.", NULL, 0);
    metrics.exhausted =
        metrics_counter("nwims_store_pool_exhausted_total", NULL, "Times that no session came free in time.");
    metrics.connected = connections("result=\"ok\"");
    metrics.refused = connections("result=\"failed\"");
    metrics.conflict = failures("kind=\"conflict\"");
    metrics.input = failures("kind=\"input\"");
    metrics.transient = failures("kind=\"transient\"");
    metrics.bug = failures("kind=\"bug\"");
}

void store_metrics_start(void)
{
    pthread_once(&once, make);
}

void store_metrics_busy(int64_t busy_count)
{
    metric_set(metrics.busy, (double)busy_count);
}

void store_metrics_waited(int64_t wait_us)
{
    metric_observe(metrics.wait, (double)wait_us / 1e6);
}

void store_metrics_exhausted(void)
{
    metric_add(metrics.exhausted, 1);
}

void store_metrics_connected(bool ok)
{
    metric_add(ok ? metrics.connected : metrics.refused, 1);
}

void store_metrics_failed(enum err_kind kind)
{
    metric_add(kind == ERR_CONFLICT    ? metrics.conflict
               : kind == ERR_INPUT     ? metrics.input
               : kind == ERR_TRANSIENT ? metrics.transient
                                       : metrics.bug,
        1);
}
