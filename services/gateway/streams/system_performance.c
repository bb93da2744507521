#include "exchange.h"
#include "metrics/metric_window.h"
#include "streams/system_ping.h"
#include "streams/system_status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS "http_server_request_duration_seconds"
enum { MOST_ROUTES = 1024, MOST_RATES = 1024 };

const struct hand_written get_system_performance_manual = {
    .operation_id = "GetSystemPerformance",
    .summary = "How fast the API answers, route by route, and what passes through the services, over the last half a "
               "minute or so.",
    .reply = &nwims__v1__system_performance__descriptor,
};

/* One route of all gateways together. */
struct pace {
    Nwims__V1__RoutePerformance *item;
    const double *bounds;
    size_t bound_count;
    uint64_t *counts;
};
struct sums {
    struct exchange *exchange;
    Nwims__V1__SystemPerformance *reply;
    struct pace *paces;
    size_t pace_count;
    bool is_full; /* out of memory, or more than there can be */
};

/* The value of a label in method="GET",route="/x",status="2xx"; NULL if it has none of this name. */
static char *label_of(struct arena *arena, const char *labels, const char *name)
{
    char opening[32];
    snprintf(opening, sizeof opening, "%s=\"", name);
    const char *at = strstr(labels, opening);
    return at ? arena_text_n(arena, at + strlen(opening), strcspn(at + strlen(opening), "\"")) : NULL;
}

static struct pace *pace_of(struct sums *sums, const char *method, const char *route, const Nwims__V1__RecentMetric *of)
{
    struct arena *arena = sums->exchange->arena;
    for (size_t i = 0; i < sums->pace_count; i++) {
        struct pace *pace = &sums->paces[i];
        if (strcmp(pace->item->method, method) == 0 && strcmp(pace->item->route, route) == 0)
            return pace->bound_count == of->n_bounds ? pace : NULL; /* else of another version: cannot be added up */
    }
    struct pace *pace = &sums->paces[sums->pace_count];
    pace->item = sums->pace_count < MOST_ROUTES ? arena_alloc(arena, sizeof *pace->item) : NULL;
    pace->counts = arena_alloc_array(arena, of->n_counts, sizeof *pace->counts);
    if (!pace->item || !pace->counts) {
        sums->is_full = true;
        return NULL;
    }
    nwims__v1__route_performance__init(pace->item);
    pace->item->method = (char *)(uintptr_t)method;
    pace->item->route = (char *)(uintptr_t)route;
    pace->item->has_requests = pace->item->has_requests_per_s = pace->item->has_refused = pace->item->has_failed = true;
    pace->bounds = of->bounds;
    pace->bound_count = of->n_bounds;
    sums->pace_count++;
    return pace;
}

static void add_requests(struct sums *sums, const Nwims__V1__RecentMetric *metric, double window_s)
{
    const char *method = label_of(sums->exchange->arena, metric->labels, "method");
    const char *route = label_of(sums->exchange->arena, metric->labels, "route");
    const char *status = label_of(sums->exchange->arena, metric->labels, "status");
    struct pace *pace = method && route && status && metric->n_bounds > 0 && metric->n_counts == metric->n_bounds + 1
                            ? pace_of(sums, method, route, metric)
                            : NULL;
    int64_t count = 0;
    for (size_t i = 0; pace && i < metric->n_counts; i++) {
        pace->counts[i] += metric->counts[i];
        count += (int64_t)metric->counts[i];
    }
    if (!pace)
        return;
    pace->item->requests += count;
    pace->item->requests_per_s += (double)count / window_s;
    pace->item->refused += *status == '4' ? count : 0;
    pace->item->failed += *status == '5' ? count : 0;
}

static void add_rate(struct sums *sums, const char *service, const Nwims__V1__RecentMetric *metric, double window_s)
{
    Nwims__V1__SystemPerformance *reply = sums->reply;
    Nwims__V1__ServiceRate *rate = NULL;
    for (size_t i = 0; i < reply->n_rates && !rate; i++)
        if (strcmp(reply->rates[i]->service, service) == 0 && strcmp(reply->rates[i]->what, metric->family) == 0 &&
            strcmp(reply->rates[i]->labels ? reply->rates[i]->labels : "", metric->labels) == 0)
            rate = reply->rates[i];
    if (!rate) {
        rate = reply->n_rates < MOST_RATES ? arena_alloc(sums->exchange->arena, sizeof *rate) : NULL;
        if (!rate) {
            sums->is_full = true;
            return;
        }
        nwims__v1__service_rate__init(rate);
        rate->service = (char *)(uintptr_t)service;
        rate->what = metric->family;
        rate->labels = *metric->labels ? metric->labels : NULL;
        rate->has_per_s = true;
        reply->rates[reply->n_rates++] = rate;
    }
    rate->per_s += metric->value / window_s;
}

static void add_state(struct sums *sums, const Nwims__V1__ServiceState *state)
{
    if (!(state->has_window_s && state->window_s > 0))
        return;
    sums->reply->gateways += strcmp(state->name, "gateway") == 0 ? 1 : 0;
    for (size_t i = 0; i < state->n_metrics; i++) {
        const Nwims__V1__RecentMetric *metric = state->metrics[i];
        if (!metric->family || !metric->labels)
            continue;
        if (strcmp(metric->family, REQUESTS) == 0)
            add_requests(sums, metric, state->window_s);
        else if (metric->n_counts == 0)
            add_rate(sums, state->name, metric, state->window_s);
    }
}

static void put_quantiles(const struct pace *pace)
{
    Nwims__V1__RoutePerformance *item = pace->item;
    item->has_p50_ms = item->has_p95_ms = item->has_p99_ms = item->requests > 0;
    if (item->requests == 0)
        return;
    item->p50_ms = 1000 * metric_quantile(pace->bounds, pace->bound_count, pace->counts, 0.5);
    item->p95_ms = 1000 * metric_quantile(pace->bounds, pace->bound_count, pace->counts, 0.95);
    item->p99_ms = 1000 * metric_quantile(pace->bounds, pace->bound_count, pace->counts, 0.99);
}

static int busier_first(const void *left, const void *right)
{
    const Nwims__V1__RoutePerformance *const *a = left, *const *b = right;
    return ((*a)->requests < (*b)->requests) - ((*a)->requests > (*b)->requests);
}

static bool sum_up(struct sums *sums, Nwims__V1__ServiceState *const *states, size_t count)
{
    Nwims__V1__SystemPerformance *reply = sums->reply;
    struct arena *arena = sums->exchange->arena;
    double windows_s = 0;
    size_t windows = 0;
    sums->paces = arena_alloc_array(arena, MOST_ROUTES + 1, sizeof *sums->paces);
    reply->routes = arena_alloc_array(arena, MOST_ROUTES, sizeof *reply->routes);
    reply->rates = arena_alloc_array(arena, MOST_RATES, sizeof *reply->rates);
    if (!sums->paces || !reply->routes || !reply->rates)
        return false;
    for (size_t i = 0; i < count; i++) {
        add_state(sums, states[i]);
        windows += states[i]->has_window_s ? 1 : 0;
        windows_s += states[i]->window_s;
    }
    for (size_t i = 0; i < sums->pace_count; i++) {
        put_quantiles(&sums->paces[i]);
        reply->routes[reply->n_routes++] = sums->paces[i].item;
    }
    qsort(reply->routes, reply->n_routes, sizeof *reply->routes, busier_first);
    reply->has_gateways = true;
    reply->has_window_s = windows > 0;
    reply->window_s = windows > 0 ? windows_s / (double)windows : 0;
    return !sums->is_full;
}

void get_system_performance(struct exchange *exchange)
{
    Nwims__V1__SystemPerformance reply = NWIMS__V1__SYSTEM_PERFORMANCE__INIT;
    struct sums sums = { .exchange = exchange, .reply = &reply };
    Nwims__V1__ServiceState **states;
    size_t count;
    if (!system_ping_ask(exchange, &states, &count))
        return;
    if (sum_up(&sums, states, count))
        exchange_message(exchange, 200, &reply.base);
    else
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
}
