#include "http/http_internal.h"
#include "metrics/metrics.h"
#include <pthread.h>

static const char *const reasons[] = {
    [REFUSED_SYNTAX] = "reason=\"syntax\"",
    [REFUSED_HEADERS] = "reason=\"headers\"",
    [REFUSED_FRAMING] = "reason=\"framing\"",
    [REFUSED_HOST] = "reason=\"host\"",
    [REFUSED_TARGET] = "reason=\"target\"",
    [REFUSED_CLOSING] = "reason=\"closing\"",
};
static struct metric *connections, *refused[COUNT_OF(reasons)];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make(void)
{
    connections = metrics_gauge("nwims_http_connections", NULL, "Open HTTP connections; each holds a thread.");
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        refused[i] = metrics_counter(
            "nwims_http_refused_total", reasons[i], "HTTP requests refused before any handler saw them.");
}

void http_metrics_init(void)
{
    pthread_once(&once, make);
}

void http_metrics_connection(int64_t by)
{
    metric_shift(connections, by);
}

void http_metrics_refused(enum http_reason reason)
{
    metric_add(refused[reason], 1);
}
