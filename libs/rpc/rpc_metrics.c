/* Metrics keep their label texts as long as the process lives, so the texts of a service are made once and found again.
 */
#include "metrics/metrics.h"
#include "rpc/rpc_internal.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABELS_SIZE = 128, KINDS = ERR_BUG + 1, REFUSALS = RPC_REFUSED_UNKNOWN + 1 };

struct rpc_metrics {
    struct rpc_metrics *next;
    const ProtobufCServiceDescriptor *service;
    struct metric *calls[KINDS];
    struct metric *refused[REFUSALS];
    struct metric *in_flight;
    struct metric *waiting;
    atomic_int running;
    char calls_labels[KINDS][LABELS_SIZE];
    char refused_labels[REFUSALS][LABELS_SIZE];
    char service_label[LABELS_SIZE];
    struct {
        struct metric *duration;
        char labels[LABELS_SIZE];
    } methods[];
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rpc_metrics *all;

static void make_methods(struct rpc_metrics *metrics)
{
    for (unsigned i = 0; i < metrics->service->n_methods; i++) {
        snprintf(metrics->methods[i].labels, LABELS_SIZE, "service=\"%s\",method=\"%s\"", metrics->service->short_name,
            metrics->service->methods[i].name);
        metrics->methods[i].duration = metrics_histogram("rpc_server_duration_seconds", metrics->methods[i].labels,
            "Time from the arrival of a call to its answer.", NULL, 0);
    }
}

static void make_counters(struct rpc_metrics *metrics)
{
    static const char *const reasons[REFUSALS] = { "full", "late", "unknown" };
    const char *service = metrics->service->short_name;
    for (int kind = 0; kind < KINDS; kind++) {
        snprintf(metrics->calls_labels[kind], LABELS_SIZE, "service=\"%s\",result=\"%s\"", service,
            err_kind_name((enum err_kind)kind));
        metrics->calls[kind] =
            metrics_counter("rpc_server_calls_total", metrics->calls_labels[kind], "Calls answered, by result.");
    }
    for (int why = 0; why < REFUSALS; why++) {
        snprintf(metrics->refused_labels[why], LABELS_SIZE, "service=\"%s\",reason=\"%s\"", service, reasons[why]);
        metrics->refused[why] = metrics_counter(
            "rpc_server_refused_total", metrics->refused_labels[why], "Calls refused before their handler, by reason.");
    }
    snprintf(metrics->service_label, LABELS_SIZE, "service=\"%s\"", service);
    metrics->in_flight = metrics_gauge("rpc_server_in_flight", metrics->service_label, "Calls being handled now.");
    metrics->waiting = metrics_gauge("rpc_server_queue_depth", metrics->service_label, "Calls that wait for a worker.");
}

static struct rpc_metrics *find_or_make(const ProtobufCServiceDescriptor *service)
{
    for (struct rpc_metrics *metrics = all; metrics; metrics = metrics->next)
        if (metrics->service == service)
            return metrics;
    struct rpc_metrics *metrics = calloc(1, sizeof *metrics + service->n_methods * sizeof metrics->methods[0]);
    if (!metrics)
        return NULL;
    metrics->service = service;
    make_methods(metrics);
    make_counters(metrics);
    metrics->next = all;
    all = metrics;
    return metrics;
}

struct rpc_metrics *rpc_metrics_of(const ProtobufCServiceDescriptor *service)
{
    pthread_mutex_lock(&all_lock);
    struct rpc_metrics *metrics = find_or_make(service);
    pthread_mutex_unlock(&all_lock);
    return metrics;
}

void rpc_metrics_observe(struct rpc_metrics *metrics, unsigned method, enum err_kind kind, int64_t took_us)
{
    metric_observe(metrics->methods[method].duration, (double)took_us / 1e6);
    metric_add(metrics->calls[kind], 1);
}

void rpc_metrics_refused(struct rpc_metrics *metrics, enum rpc_refusal why)
{
    metric_add(metrics->refused[why], 1);
}

void rpc_metrics_in_flight(struct rpc_metrics *metrics, int change)
{
    metric_set(metrics->in_flight, atomic_fetch_add(&metrics->running, change) + change);
}

void rpc_metrics_waiting(struct rpc_metrics *metrics, size_t waiting)
{
    metric_set(metrics->waiting, (double)waiting);
}
