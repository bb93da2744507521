/* Answers "system.ping": who we are and how we are, and recent figures of the metrics that the question names. A thread
 * of its own, for readiness asks the database; it also turns the window that the figures are of. */
#include "base/clock.h"
#include "base/queue.h"
#include "metrics/metric_window.h"
#include "nwims/v1/system.pb-c.h"
#include "service/service_internal.h"
#include "wire/wire.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_WAITING = 16, /* questions; more are dropped: whoever asks so often hears enough */
    TURN_MS = 30000,
    MOST_FAMILIES = 32,
    MOST_METRICS = 4096,
    MOST_FAILING = SERVICE_MOST_CHECKS + 4,
    ANSWER_CEILING = 768 * 1024, /* NATS takes 1 MiB */
    ARENA_BYTES = 4 * 1024 * 1024,
};

struct ping {
    struct service *service;
    struct bus_subscription *subscription;
    struct queue *questions;
    pthread_t thread;
    struct arena arena;
    char host[65];
    int64_t started_at;
};

static void on_question_take(void *context, struct bus_message *message)
{
    struct ping *ping = context;
    if (!queue_push(ping->questions, message, 0))
        bus_message_close(message);
}

/* "[-] store: why": the name alone, for why may tell of hosts and users. */
static bool put_failing(struct ping *ping, Nwims__V1__ServiceState *state, char *lines)
{
    char *rest = NULL;
    state->failing = arena_alloc_array(&ping->arena, MOST_FAILING, sizeof *state->failing);
    if (!state->failing)
        return false;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "[-] ", 4) != 0 || state->n_failing == MOST_FAILING)
            continue;
        char *name = arena_text_n(&ping->arena, line + 4, strcspn(line + 4, ":"));
        if (!name)
            return false;
        state->failing[state->n_failing++] = name;
    }
    return true;
}

struct figures {
    struct arena *arena;
    Nwims__V1__ServiceState *state;
    bool is_cut;
};

static bool copy_histogram(struct arena *arena, Nwims__V1__RecentMetric *metric, const struct metric_recent *recent)
{
    size_t count = recent->bound_count;
    metric->bounds = arena_alloc_array(arena, count + 1, sizeof *metric->bounds);
    metric->counts = arena_alloc_array(arena, count + 1, sizeof *metric->counts);
    if (!metric->bounds || !metric->counts)
        return false;
    metric->n_bounds = count;
    metric->n_counts = count + 1;
    memcpy(metric->bounds, recent->bounds, count * sizeof *metric->bounds);
    memcpy(metric->counts, recent->counts, (count + 1) * sizeof *metric->counts);
    return true;
}

static void put_figure(void *context, const struct metric_recent *recent)
{
    struct figures *figures = context;
    Nwims__V1__ServiceState *state = figures->state;
    Nwims__V1__RecentMetric *metric =
        state->n_metrics < MOST_METRICS
            ? (Nwims__V1__RecentMetric *)wire_new(figures->arena, &nwims__v1__recent_metric__descriptor)
            : NULL;
    if (metric) {
        metric->family = arena_text(figures->arena, recent->family);
        metric->labels = arena_text(figures->arena, recent->labels);
        metric->has_value = true;
        metric->value = recent->value;
    }
    if (!metric || !metric->family || !metric->labels ||
        (recent->is_histogram && !copy_histogram(figures->arena, metric, recent)))
        figures->is_cut = true;
    else
        state->metrics[state->n_metrics++] = metric;
}

static bool put_figures(struct ping *ping, Nwims__V1__ServiceState *state, const Nwims__V1__PingRequest *request)
{
    struct figures figures = { .arena = &ping->arena, .state = state };
    int64_t now_us = clock_monotonic_us();
    state->metrics = arena_alloc_array(&ping->arena, MOST_METRICS, sizeof *state->metrics);
    for (size_t i = 0; state->metrics && i < request->n_families && i < MOST_FAMILIES; i++) {
        int64_t length_us = metric_window_each(request->families[i], now_us, put_figure, &figures);
        if (length_us > 0) {
            state->has_window_s = true;
            state->window_s = (double)length_us / 1e6;
        }
    }
    return state->metrics && !figures.is_cut;
}

static bool put_self(struct ping *ping, Nwims__V1__ServiceState *state)
{
    AUTO_INPLACE(buffer) lines = { 0 };
    state->name = (char *)(uintptr_t)ping->service->program->name;
    state->version = arena_text(&ping->arena, NWIMS_VERSION);
    state->commit = arena_text(&ping->arena, NWIMS_COMMIT);
    state->host = ping->host;
    state->has_pid = state->has_started_at = state->has_is_ready = state->has_resident_bytes = true;
    state->pid = getpid();
    state->started_at = ping->started_at;
    state->resident_bytes = metrics_resident_bytes();
    state->is_ready = readiness_check(ping->service, &lines);
    buffer_put_char(&lines, '\0');
    return state->version && state->commit && buffer_ok(&lines) &&
           (state->is_ready || put_failing(ping, state, lines.data));
}

static void answer(struct ping *ping, const struct bus_message *message)
{
    AUTO_INPLACE(buffer) reply = { .ceiling_bytes = ANSWER_CEILING };
    Nwims__V1__ServiceState state = NWIMS__V1__SERVICE_STATE__INIT;
    ProtobufCMessage *request = NULL;
    struct err err = { 0 };
    arena_reset(&ping->arena);
    bool ok = wire_decode(&request, &ping->arena, &nwims__v1__ping_request__descriptor, bus_message_data(message),
        bus_message_size(message), &err);
    ok = ok && ((put_self(ping, &state) && put_figures(ping, &state, (const Nwims__V1__PingRequest *)request)) ||
                   err_set(&err, ERR_LIMIT, "no memory for the answer"));
    ok = ok && wire_encode(&reply, &state.base, &err) &&
         bus_reply(ping->service->bus, message, reply.data, reply.size, NULL, 0, &err);
    if (!ok)
        log_debug(NULL, "ping.unanswered", LOG_ERR(&err));
}

static void *run(void *context)
{
    struct ping *ping = context;
    int64_t turn_us = clock_monotonic_us() + TURN_MS * INT64_C(1000);
    struct bus_message *message;
    for (;;) {
        int64_t left_ms = (turn_us - clock_monotonic_us()) / 1000;
        if (left_ms <= 0) {
            metric_window_turn(clock_monotonic_us());
            turn_us += TURN_MS * INT64_C(1000);
            continue;
        }
        message = queue_pop(ping->questions, left_ms);
        if (message == (void *)ping)
            return NULL;
        if (message)
            answer(ping, message);
        bus_message_close(message);
    }
}

static void ping_free(struct ping *ping)
{
    arena_done(&ping->arena);
    queue_free(ping->questions);
    free(ping);
}

static struct ping *ping_new(struct service *service)
{
    struct ping *ping = calloc(1, sizeof *ping);
    if (!ping || !(ping->questions = queue_new(MOST_WAITING))) {
        free(ping);
        return NULL;
    }
    ping->service = service;
    ping->started_at = clock_now_us();
    arena_init(&ping->arena, ARENA_BYTES);
    if (gethostname(ping->host, sizeof ping->host - 1) != 0)
        memcpy(ping->host, "?", 2);
    return ping;
}

bool ping_start(struct service *service, struct err *err)
{
    struct ping *ping = ping_new(service);
    if (!ping)
        return err_set(err, ERR_LIMIT, "no memory to answer pings");
    metric_window_turn(clock_monotonic_us());
    if (!bus_subscribe(&ping->subscription, service->bus, PING_SUBJECT, NULL, on_question_take, ping, err)) {
        ping_free(ping);
        return err_wrap(err, "answering pings");
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SERVICE_STACK_BYTES);
    bool ok = pthread_create(&ping->thread, &attributes, run, ping) == 0;
    pthread_attr_destroy(&attributes);
    if (!ok) {
        bus_subscription_close(ping->subscription);
        ping_free(ping);
        return err_set(err, ERR_LIMIT, "no thread to answer pings");
    }
    service->ping = ping;
    return true;
}

void ping_stop(struct ping *ping)
{
    if (!ping)
        return;
    bus_subscription_close(ping->subscription);
    while (!queue_push(ping->questions, ping, -1)) /* behind what waits: the end */
        continue;
    pthread_join(ping->thread, NULL);
    ping_free(ping);
}
