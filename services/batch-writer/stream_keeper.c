#include "stream_keeper.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rounds.h"
#include "bus/bus_retention.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILURES_A_LINE = 60, WARN_PERCENT = 80, WARN_EVERY_MS = 60000 };
/* For a replay readings stay while they leave the other half of the stream to whoever is behind. */
#define KEEP_FILL 0.5

struct stream_keeper {
    struct writer_shared *shared;
    struct metric *messages, *bytes, *max_bytes, *oldest_seconds, *removed, *failed;
    int failures;      /* one after another */
    int64_t warned_at; /* monotonic: when it was last said that the stream is nearly full */
    struct rounds *rounds;
};

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

/* In this order: never a number of the stream before it was made anew. */
static void note_stored(struct writer_shared *shared, const struct bus_retention_report *report)
{
    for (size_t i = 0; i < report->reader_count; i++)
        if (strcmp(report->readers[i].name, WRITER_DURABLE) == 0) {
            if (atomic_load(&shared->stream_epoch) != report->state.created_at_us)
                atomic_store(&shared->stored_to, 0);
            atomic_store(&shared->stream_epoch, report->state.created_at_us);
            atomic_store(&shared->stored_to, (long long)report->readers[i].read_to);
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
        note_stored(keeper->shared, &report);
        show(keeper, &report);
        warn_when_full(keeper, &report);
        return report.is_unfinished;
    }
    metric_add(keeper->failed, 1);
    if (keeper->failures++ % FAILURES_A_LINE == 0)
        log_warn(NULL, "stream.not_kept", LOG_ERR(&err));
    return false;
}

static int64_t run(void *context)
{
    struct stream_keeper *keeper = context;
    return run_round(keeper) ? 0 : keeper->shared->config->keeper_ms;
}

bool stream_keeper_start(struct stream_keeper **out_keeper, struct writer_shared *shared, struct err *err)
{
    struct stream_keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return err_set(err, ERR_TRANSIENT, "no memory for the keeper of the stream");
    keeper->shared = shared;
    keeper->warned_at = clock_monotonic_us() - WARN_EVERY_MS * INT64_C(1000);
    init_metrics(keeper);
    const struct rounds_config config = { .what = "the keeper of the stream", .run = run, .context = keeper };
    if (!rounds_start(&keeper->rounds, &config, err)) {
        free(keeper);
        return false;
    }
    *out_keeper = keeper;
    return true;
}

void stream_keeper_stop(struct stream_keeper *keeper)
{
    if (!keeper)
        return;
    rounds_stop(keeper->rounds);
    free(keeper);
}
