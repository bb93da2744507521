#include "recorder.h"
#include "base/clock.h"
#include "base/log.h"
#include "record.h"
#include "record_store.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_RECORDS = 1000, /* BATCH_RECORDS */
    FETCH_MESSAGES = 256,
    MOST_ACK_PENDING = 20000,
    IDLE_WAIT_MS = 250, /* how soon a stop is noticed */
    LEAST_PAUSE_MS = 50,
    LONGEST_PAUSE_MS = 5000,
    DEAD_PUBLISH_MS = 5000,
    DEAD_LATER_MS = 10000,
    INPUT_TRIES = 3
};
/* A thousand records of 64 KiB, and what a statement is made of. */
#define DECODED_BYTES ((size_t)96 << 20)
/* We give up a message ourselves (MAX_DELIVERIES), after it went to DEAD. */
#define NO_DELIVERY_LIMIT INT64_C(1000000000)

struct held {
    struct record record;
    struct bus_message *message;
    uint64_t stream_sequence;
    size_t arrival;
};

struct recorder {
    struct recorder_shared *shared;
    struct bus_consumer *consumer;
    struct chain_ends *ends;
    struct arena decoded, scratch;
    struct held held[MOST_RECORDS];
    size_t count;
    bool is_thorough;  /* after a conflict: the next try looks for ids everywhere */
    int64_t months_at; /* when partitions were last looked after, monotonic */
    pthread_t thread;
};

static bool is_stopping(const struct recorder *recorder)
{
    return atomic_load_explicit(&recorder->shared->is_stopping, memory_order_relaxed);
}

static void pause_ms(const struct recorder *recorder, int64_t ms)
{
    for (int64_t left = ms; left > 0 && !is_stopping(recorder); left -= LEAST_PAUSE_MS)
        clock_sleep_ms(left < LEAST_PAUSE_MS ? left : LEAST_PAUSE_MS);
}

/* ---- settling messages ---------------------------------------------------------------------------------------------
 */
static void acknowledge(struct recorder *recorder, const struct bus_message *message)
{
    struct err err = { 0 };
    if (!bus_message_ack(recorder->shared->bus, message, &err))
        log_debug(NULL, "ack.unsent", LOG_ERR(&err)); /* it comes again, and its id is known */
}

static void give_back(struct recorder *recorder, struct bus_message *message, int64_t delay_ms)
{
    struct err err = { 0 };
    if (!bus_message_nak(recorder->shared->bus, message, delay_ms, &err))
        log_debug(NULL, "nak.unsent", LOG_ERR(&err));
    bus_message_close(message);
}

/* What can never be stored goes to DEAD as it came, and only then leaves the stream. */
static void bury_take(struct recorder *recorder, struct bus_message *message, uint64_t stream_sequence,
    const char *reason, const struct err *why)
{
    struct err err = { 0 };
    char subject[64], id[64];
    const struct bus_header headers[] = { { "Nwims-Subject", bus_message_subject(message) },
        { "Nwims-Error", why->text } };
    snprintf(subject, sizeof subject, "dead.audit.%s", reason);
    snprintf(id, sizeof id, "dead-audit-%" PRIu64, stream_sequence);
    const struct bus_outgoing dead = { .subject = subject,
        .data = bus_message_data(message),
        .size = bus_message_size(message),
        .headers = headers,
        .header_count = COUNT_OF(headers) };
    if (!bus_publish(recorder->shared->bus, &dead, id, DEAD_PUBLISH_MS, NULL, &err)) {
        log_error(NULL, "message.undead", LOG_COUNT("sequence", stream_sequence), LOG_ERR(&err));
        give_back(recorder, message, DEAD_LATER_MS);
        return;
    }
    log_warn(NULL, "message.dead", LOG_TEXT("reason", reason), LOG_COUNT("sequence", stream_sequence), LOG_ERR(why));
    metric_add(recorder->shared->metrics->dead, 1);
    acknowledge(recorder, message);
    bus_message_close(message);
}

/* ---- taking messages -----------------------------------------------------------------------------------------------
 */
static struct bus_message *next_message(struct recorder *recorder, int64_t wait_ms)
{
    struct err err = { 0 };
    struct bus_message *message = NULL;
    if (bus_consumer_next(recorder->consumer, wait_ms, &message, &err))
        return message;
    log_warn(NULL, "consumer.failed", LOG_ERR(&err));
    pause_ms(recorder, LEAST_PAUSE_MS * 4);
    return NULL;
}

/* A message whose storing ended the process again and again must not do so for ever. */
static bool came_too_often(const struct recorder *recorder, const struct bus_position *position, struct err *err)
{
    if (position->delivered <= (uint64_t)recorder->shared->config->max_deliveries)
        return false;
    err_set(err, ERR_INPUT, "delivered %" PRIu64 " times and never stored", position->delivered);
    return true;
}

static void admit_take(struct recorder *recorder, struct bus_message *message)
{
    struct err err = { 0 };
    struct bus_position position = { 0 };
    struct held *held = &recorder->held[recorder->count];
    if (!bus_message_position(message, &position, &err)) {
        log_error(NULL, "message.without_position", LOG_ERR(&err));
        bus_message_close(message);
        return;
    }
    metric_set(recorder->shared->metrics->pending, (double)position.pending);
    *held =
        (struct held){ .message = message, .stream_sequence = position.stream_sequence, .arrival = recorder->count };
    if (came_too_often(recorder, &position, &err))
        bury_take(recorder, message, position.stream_sequence, "too_often", &err);
    else if (record_read(&held->record, &recorder->decoded, bus_message_subject(message), bus_message_data(message),
                 bus_message_size(message), &err))
        recorder->count++;
    else if (err.kind == ERR_LIMIT && recorder->count > 0)
        give_back(recorder, message, 0); /* no room among these: with the next ones */
    else
        bury_take(recorder, message, position.stream_sequence, "malformed", &err);
}

/* What is there, up to BATCH_RECORDS; few linger for more. */
static void take_batch(struct recorder *recorder)
{
    const struct auditor_config *config = recorder->shared->config;
    int64_t until_us = 0;
    while (recorder->count < (size_t)config->batch_records) {
        int64_t wait_ms = IDLE_WAIT_MS;
        if (recorder->count > 0) {
            int64_t left_us = until_us - clock_monotonic_us();
            wait_ms = left_us > 0 ? (left_us + 999) / 1000 : 0;
        }
        struct bus_message *message = next_message(recorder, wait_ms);
        if (!message)
            return;
        if (recorder->count == 0)
            until_us = clock_monotonic_us() + config->linger_ms * 1000;
        admit_take(recorder, message);
    }
}

/* ---- storing -------------------------------------------------------------------------------------------------------
 */
static int by_tenant(const void *left, const void *right)
{
    const struct held *a = left, *b = right;
    if (a->record.tenant_id != b->record.tenant_id)
        return a->record.tenant_id < b->record.tenant_id ? -1 : 1;
    return a->arrival < b->arrival ? -1 : 1;
}

static bool append(struct recorder *recorder, struct held *held, size_t count, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct record *records[MOST_RECORDS];
    struct record_appended appended;
    struct auditor_metrics *metrics = recorder->shared->metrics;
    int64_t began_us = clock_monotonic_us();
    for (size_t i = 0; i < count; i++)
        records[i] = &held[i].record;
    arena_reset(&recorder->scratch);
    if (!store_session_open(&session, recorder->shared->store, err) ||
        !record_store_append(
            session, recorder->ends, records, count, recorder->is_thorough, &recorder->scratch, &appended, err))
        return false;
    metric_add(metrics->stored, (uint64_t)appended.stored);
    metric_add(metrics->duplicate, (uint64_t)appended.duplicate);
    metric_add(metrics->cut_chains, (uint64_t)appended.shortened);
    metric_add(metrics->commits, 1);
    metric_observe(metrics->commit_seconds, (double)(clock_monotonic_us() - began_us) / 1e6);
    return true;
}

static void finish(struct recorder *recorder, struct held *held, size_t count)
{
    int64_t now_us = clock_now_us();
    for (size_t i = 0; i < count; i++) {
        metric_observe(recorder->shared->metrics->age_seconds, (double)(now_us - held[i].record.happened_at) / 1e6);
        acknowledge(recorder, held[i].message);
        bus_message_close(TAKE(held[i].message));
    }
}

/* Waits before the next try, and meanwhile keeps the messages from being given to others. False when we are to stop. */
static bool back_off(struct recorder *recorder, const struct held *held, size_t count, int try)
{
    struct err err = { 0 };
    int64_t ms = LEAST_PAUSE_MS << (try < 7 ? try : 7);
    for (size_t i = 0; i < count; i++)
        if (!bus_message_in_progress(recorder->shared->bus, held[i].message, &err))
            break;
    pause_ms(recorder, ms < LONGEST_PAUSE_MS ? ms : LONGEST_PAUSE_MS);
    return !is_stopping(recorder);
}

static void log_failure(const struct err *err, size_t count, int try)
{
    /* Repeats at 1, 2, 4, 8 ... tries: a database that is away for an hour is not a thousand lines. */
    if ((try & (try + 1)) == 0)
        log_warn(NULL, "commit.failed", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_COUNT("records", count),
            LOG_COUNT("try", try), LOG_ERR(err));
}

/* A month that nobody made while this process waited or the clock jumped. */
static void make_months(struct recorder *recorder)
{
    struct err err = { 0 };
    if (!record_store_make_months(recorder->shared->store, &err))
        log_warn(NULL, "months.failed", LOG_ERR(&err));
    recorder->months_at = clock_monotonic_us();
}

static bool store_records(struct recorder *recorder, struct held *held, size_t count);

/* One of them is what PostgreSQL cannot take: each by itself finds out which. */
static bool store_one_by_one(struct recorder *recorder, struct held *held, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!store_records(recorder, held + i, 1))
            return false;
    return true;
}

/* Until it is done, or we are to stop: false, and the messages that are left are not stored. */
static bool store_records(struct recorder *recorder, struct held *held, size_t count)
{
    for (int try = 0;; try++) {
        struct err err = { 0 };
        if (append(recorder, held, count, &err)) {
            recorder->is_thorough = false;
            finish(recorder, held, count);
            return true;
        }
        metric_add(recorder->shared->metrics->failed_commits, 1);
        log_failure(&err, count, try);
        recorder->is_thorough = recorder->is_thorough || err.kind == ERR_CONFLICT;
        if (err.kind == ERR_INPUT && try + 1 >= INPUT_TRIES) {
            if (count > 1)
                return store_one_by_one(recorder, held, count);
            bury_take(recorder, TAKE(held->message), held->stream_sequence, "unstorable", &err);
            return true;
        }
        if (err.kind == ERR_INPUT)
            make_months(recorder); /* may be why */
        if (!back_off(recorder, held, count, try))
            return false;
    }
}

static void run_batch(struct recorder *recorder)
{
    enum { MONTHS_EVERY_S = 3600 };
    recorder->count = 0;
    arena_reset(&recorder->decoded);
    if (clock_monotonic_us() - recorder->months_at > MONTHS_EVERY_S * INT64_C(1000000))
        make_months(recorder);
    take_batch(recorder);
    qsort(recorder->held, recorder->count, sizeof *recorder->held, by_tenant);
    if (recorder->count == 0 || store_records(recorder, recorder->held, recorder->count))
        return;
    for (size_t i = 0; i < recorder->count; i++)
        if (recorder->held[i].message)
            give_back(recorder, TAKE(recorder->held[i].message), 0);
}

static void *run(void *context)
{
    struct recorder *recorder = context;
    while (!is_stopping(recorder))
        run_batch(recorder);
    bus_consumer_close(TAKE(recorder->consumer));
    return NULL;
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */
static void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    bus_consumer_close(recorder->consumer);
    chain_ends_free(recorder->ends);
    arena_done(&recorder->decoded);
    arena_done(&recorder->scratch);
    free(recorder);
}
AUTO_DEFINE(recorder, recorder_free)

bool recorder_start(struct recorder **out_recorder, struct recorder_shared *shared, struct err *err)
{
    AUTO(recorder) recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return err_set(err, ERR_LIMIT, "no memory for a recorder");
    recorder->shared = shared;
    arena_init(&recorder->decoded, DECODED_BYTES);
    arena_init(&recorder->scratch, DECODED_BYTES);
    recorder->ends = chain_ends_new();
    const struct bus_consumer_config consumer = { .stream = "AUDIT",
        .durable = "auditor",
        .ack_wait_ms = shared->config->ack_wait_ms,
        .max_deliver = NO_DELIVERY_LIMIT,
        .max_ack_pending = MOST_ACK_PENDING,
        .batch = FETCH_MESSAGES };
    if (!recorder->ends)
        return err_set(err, ERR_LIMIT, "no memory for a recorder");
    if (!record_store_make_months(shared->store, err) ||
        !bus_consumer_open(&recorder->consumer, shared->bus, &consumer, err))
        return err_wrap(err, "recorder");
    recorder->months_at = clock_monotonic_us();
    if (pthread_create(&recorder->thread, NULL, run, recorder) != 0)
        return err_set(err, ERR_LIMIT, "no thread for a recorder");
    *out_recorder = TAKE(recorder);
    return true;
}

void recorder_join(struct recorder *recorder)
{
    if (!recorder)
        return;
    pthread_join(recorder->thread, NULL);
    recorder_free(recorder);
}
