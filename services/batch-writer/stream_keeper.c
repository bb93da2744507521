#include "stream_keeper.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/bus_retention.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP_MS = 50, FAILURES_A_LINE = 60, WARN_PERCENT = 80, WARN_EVERY_MS = 60000 };
/* For a replay readings stay while they leave the other half of the stream to whoever is behind. */
#define KEEP_FILL 0.5

struct stream_keeper {
    struct writer_shared *shared;
    struct metric *messages, *bytes, *max_bytes, *oldest_seconds, *removed, *failed;
    int failures;      /* one after another */
    int64_t warned_at; /* monotonic: when it was last said that the stream is nearly full */
    pthread_t thread;
};

static bool is_stopping(const struct stream_keeper *keeper)
{
    return atomic_load_explicit(&keeper->shared->is_stopping, memory_order_relaxed);
}

static void init_metrics(struct stream_keeper *keeper)
{
    static const char stream[] = "stream=\"READINGS\"";
    keeper->messages = metrics_gauge("nwims_stream_messages", stream, "Messages in the stream.");
    keeper->bytes = metrics_gauge("nwims_stream_bytes", stream, "How much is in the stream.");
    keeper->max_bytes =
        metrics_gauge("nwims_stream_max_bytes", stream, "With so much in it the stream refuses what comes.");
    keeper->oldest_seconds =
        metrics_gauge("nwims_stream_oldest_seconds", stream, "Age of the oldest message in the stream.");
    keeper->removed = metrics_counter(
        "nwims_stream_removed_total", stream, "Messages removed after every durable consumer had read them.");
    keeper->failed = metrics_counter("nwims_stream_keeper_failed_total", stream, "Rounds that could not be done.");
}

/* A durable is made by whoever deploys a service: a bounded set, so it may be a label. */
static void show_readers(const struct bus_retention_report *report)
{
    for (size_t i = 0; i < report->reader_count; i++) {
        char labels[BUS_READER_NAME_SIZE + 48];
        snprintf(labels, sizeof labels, "stream=\"READINGS\",durable=\"%s\"", report->readers[i].name);
        metric_set(metrics_gauge("nwims_stream_consumer_lag_messages", labels,
                       "Messages from the first that this durable consumer has not acknowledged to the newest."),
            (double)report->readers[i].behind);
    }
}

static void show(struct stream_keeper *keeper, const struct bus_retention_report *report)
{
    const struct bus_stream_state *state = &report->state;
    int64_t age_us = state->messages > 0 ? clock_now_us() - state->first_at_us : 0;
    metric_set(keeper->messages, (double)state->messages);
    metric_set(keeper->bytes, (double)state->bytes);
    metric_set(keeper->max_bytes, (double)state->max_bytes);
    metric_set(keeper->oldest_seconds, (double)age_us / MICROSECONDS);
    metric_add(keeper->removed, report->removed);
    show_readers(report);
}

/* Who holds the room back is what an operator must know: a durable that nobody reads any more is to be deleted. */
static void warn_when_full(struct stream_keeper *keeper, const struct bus_retention_report *report)
{
    const struct bus_stream_state *state = &report->state;
    int64_t now = clock_monotonic_us();
    if (report->reader_count == 0 || state->max_bytes <= 0 || keeper->warned_at + WARN_EVERY_MS * INT64_C(1000) > now ||
        state->bytes < (uint64_t)state->max_bytes / 100 * WARN_PERCENT)
        return;
    keeper->warned_at = now;
    const struct bus_reader *slowest = &report->readers[report->slowest];
    log_warn(NULL, "stream.nearly_full", LOG_TEXT("stream", "READINGS"), LOG_COUNT("bytes", state->bytes),
        LOG_COUNT("max_bytes", state->max_bytes), LOG_TEXT("slowest", slowest->name),
        LOG_COUNT("behind", slowest->behind));
}

/* Whether to go on at once. */
static bool run_round(struct stream_keeper *keeper)
{
    struct err err = { 0 };
    struct bus_retention_report report;
    const struct bus_retention retention = { .stream = "READINGS",
        .required = WRITER_DURABLE,
        .keep_ms = keeper->shared->config->keep_read_ms,
        .keep_fill = KEEP_FILL };
    if (bus_retention_run(keeper->shared->bus, &retention, clock_now_us(), &report, &err)) {
        keeper->failures = 0;
        show(keeper, &report);
        warn_when_full(keeper, &report);
        return report.is_unfinished;
    }
    metric_add(keeper->failed, 1);
    if (keeper->failures++ % FAILURES_A_LINE == 0)
        log_warn(NULL, "stream.not_kept", LOG_ERR(&err));
    return false;
}

static void *run(void *context)
{
    struct stream_keeper *keeper = context;
    while (!is_stopping(keeper)) {
        if (run_round(keeper))
            continue;
        int64_t next_at = clock_monotonic_us() + keeper->shared->config->keeper_ms * 1000;
        while (!is_stopping(keeper) && clock_monotonic_us() < next_at)
            clock_sleep_ms(STEP_MS);
    }
    return NULL;
}

bool stream_keeper_start(struct stream_keeper **out_keeper, struct writer_shared *shared, struct err *err)
{
    struct stream_keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return err_set(err, ERR_TRANSIENT, "no memory for the keeper of the stream");
    keeper->shared = shared;
    keeper->warned_at = clock_monotonic_us() - WARN_EVERY_MS * INT64_C(1000);
    init_metrics(keeper);
    if (pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
        free(keeper);
        return err_set(err, ERR_TRANSIENT, "no thread for the keeper of the stream");
    }
    *out_keeper = keeper;
    return true;
}

void stream_keeper_join(struct stream_keeper *keeper)
{
    if (!keeper)
        return;
    pthread_join(keeper->thread, NULL);
    free(keeper);
}
