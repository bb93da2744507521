#include "writer.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IDLE_WAIT_MS = 250,            /* how soon a stop is noticed */
    FETCH_MESSAGES = 64,           /* asked for at a time; twice as many wait in memory ... */
    FETCH_BYTES = 8 * 1024 * 1024, /* ... or twice as much: one may be megabytes */
    CAREFUL_GROUPS = 8,            /* after a conflict: a sender that repeats itself seldom does so once */
    LEAST_PAUSE_MS = 50,
    LONGEST_PAUSE_MS = 5000,
    EPOCH_KEPT_MS = 5000,
    DEAD_PUBLISH_MS = 5000,
    DEAD_LATER_MS = 10000,
    INPUT_TRIES = 3
};
/* Readings take 32 bytes decoded; what a group holds is bounded by MAX_ROWS and one message more. */
#define ARENA_BYTES ((size_t)512 << 20)
/* We never give up a message by ourselves: redelivery has no end that we could reach. */
#define MOST_DELIVERIES INT64_C(1000000000)

struct writer {
    struct writer_shared *shared;
    struct bus_consumer *consumer;
    struct group group;
    struct group_store group_store;
    struct bus_message *held; /* did not fit into the group before */
    struct buffer answer;
    int64_t epoch, epoch_read_at;
    int careful_groups;
    pthread_t thread;
};

static bool is_stopping(const struct writer *writer)
{
    return atomic_load_explicit(&writer->shared->is_stopping, memory_order_relaxed);
}

static void pause_ms(const struct writer *writer, int64_t ms)
{
    for (int64_t left = ms; left > 0 && !is_stopping(writer); left -= LEAST_PAUSE_MS)
        clock_sleep_ms(left < LEAST_PAUSE_MS ? left : LEAST_PAUSE_MS);
}

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

static void answer(struct writer *writer, const struct bus_message *message, Nwims__V1__CommitResult *result)
{
    struct err err = { 0 };
    const char *subject = bus_message_header(message, "Nwims-Commit-To");
    if (!subject || subject[0] == '\0')
        return;
    buffer_reset(&writer->answer);
    if (!wire_encode(&writer->answer, &result->base, &err) ||
        !bus_publish_plain(writer->shared->bus,
            &(struct bus_outgoing){ .subject = subject, .data = writer->answer.data, .size = writer->answer.size },
            &err))
        log_debug(NULL, "commit.unanswered", LOG_ERR(&err)); /* who waits asks again or reads */
}

static void acknowledge(struct writer *writer, const struct bus_message *message)
{
    struct err err = { 0 };
    if (!bus_message_ack(writer->shared->bus, message, &err))
        log_debug(NULL, "ack.unsent", LOG_ERR(&err)); /* it comes again and the ledger knows it */
}

static void release(struct writer *writer, struct bus_message *message)
{
    bus_consumer_release(writer->consumer, message);
    atomic_fetch_sub_explicit(&writer->shared->unacknowledged, 1, memory_order_relaxed);
}

/* What can never be stored goes to DEAD as it came, and only then leaves the stream. */
static void bury(struct writer *writer, const struct bus_message *message, const struct bus_position *position,
    const char *reason, const ProtobufCBinaryData *batch_id, const struct err *why)
{
    struct err err = { 0 };
    char subject[64], id[64];
    struct bus_header headers[] = { { "Nwims-Subject", bus_message_subject(message) }, { "Nwims-Error", why->text } };
    snprintf(subject, sizeof subject, "dead.readings.%s", reason);
    snprintf(id, sizeof id, "dead-%" PRId64 "-%" PRIu64, writer->epoch, position->stream_sequence);
    struct bus_outgoing dead = { .subject = subject,
        .data = bus_message_data(message),
        .size = bus_message_size(message),
        .headers = headers,
        .header_count = COUNT_OF(headers) };
    if (!bus_publish(writer->shared->bus, &dead, id, DEAD_PUBLISH_MS, NULL, &err)) {
        log_error(NULL, "message.undead", LOG_COUNT("sequence", position->stream_sequence), LOG_ERR(&err));
        if (!bus_message_nak(writer->shared->bus, message, DEAD_LATER_MS, &err))
            log_debug(NULL, "nak.unsent", LOG_ERR(&err));
        return;
    }
    log_warn(NULL, "message.dead", LOG_TEXT("reason", reason), LOG_COUNT("sequence", position->stream_sequence),
        LOG_ERR(why));
    metric_add(writer->shared->metrics.dead, 1);
    Nwims__V1__CommitResult result = NWIMS__V1__COMMIT_RESULT__INIT;
    result.error = (char *)(uintptr_t)why->text;
    if (batch_id) {
        result.has_batch_id = true;
        result.batch_id = *batch_id;
    }
    answer(writer, message, &result);
    acknowledge(writer, message);
}

static void settle(struct writer *writer, const struct batch *batch)
{
    Nwims__V1__CommitResult result = NWIMS__V1__COMMIT_RESULT__INIT;
    result.has_batch_id = batch->wire->has_batch_id;
    result.batch_id = batch->wire->batch_id;
    result.has_stored = result.has_duplicate = true;
    result.stored = batch->stored;
    result.duplicate = batch->duplicate;
    answer(writer, batch->message, &result);
    acknowledge(writer, batch->message);
}

/* ---- taking messages
 * -------------------------------------------------------------------------------------------------- */

/* Another delivery of what the group holds: two of one position could never be entered in the ledger. The first may
 * come after the second. To acknowledge either of them settles both. */
static bool is_in_group(const struct group *group, uint64_t sequence)
{
    if (sequence > group->newest_sequence) /* nearly always: they come in order */
        return false;
    for (size_t i = 0; i < group->count; i++)
        if (group->batches[i].sequence == sequence)
            return true;
    return false;
}

/* Puts the message into the group, or to the dead. False if it must wait for the next group. */
static bool admit(struct writer *writer, struct bus_message *message)
{
    struct err err = { 0 };
    struct bus_position position = { 0 };
    struct group *group = &writer->group;
    struct batch *batch = &group->batches[group->count];
    const char *reason = "malformed";
    *batch = (struct batch){ .message = message };
    if (!bus_message_position(message, &position, &err)) {
        log_error(NULL, "message.without_position", LOG_ERR(&err));
        release(writer, message);
        return true;
    }
    if (is_in_group(group, position.stream_sequence)) {
        metric_add(writer->shared->metrics.redelivered, 1);
        release(writer, message);
        return true;
    }
    batch->sequence = position.stream_sequence;
    batch->delivered = position.delivered;
    metric_set(writer->shared->metrics.pending, (double)position.pending);
    if (batch_decode(batch, &group->arena, bus_message_data(message), bus_message_size(message), clock_now_us(),
            &reason, &err)) {
        metric_add(writer->shared->metrics.redelivered, position.delivered > 1);
        group->count++;
        group->rows += batch->count;
        if (batch->sequence > group->newest_sequence)
            group->newest_sequence = batch->sequence;
        return true;
    }
    if (err.kind == ERR_LIMIT && group->count > 0) {
        writer->held = message;
        return false;
    }
    bury(writer, message, &position, err.kind == ERR_LIMIT ? "too_large" : reason, NULL, &err);
    release(writer, message);
    return true;
}

static struct bus_message *next_message(struct writer *writer, int64_t wait_ms)
{
    struct err err = { 0 };
    struct bus_message *message = NULL;
    if (writer->held)
        return TAKE(writer->held);
    if (!bus_consumer_next(writer->consumer, wait_ms, &message, &err)) {
        log_warn(NULL, "consumer.failed", LOG_ERR(&err));
        pause_ms(writer, LEAST_PAUSE_MS * 4);
        return NULL;
    }
    if (message)
        atomic_fetch_add_explicit(&writer->shared->unacknowledged, 1, memory_order_relaxed);
    return message;
}

/* What is there, up to MAX_ROWS; a small group lingers for more. */
static void take_group(struct writer *writer)
{
    const struct batch_writer_config *config = writer->shared->config;
    struct group *group = &writer->group;
    int64_t linger_end = 0;
    while (group->count < GROUP_MOST_MESSAGES && group->rows < (size_t)config->max_rows) {
        int64_t wait_ms = IDLE_WAIT_MS;
        if (group->count > 0) {
            int64_t left_us = linger_end - clock_monotonic_us();
            wait_ms = group->rows >= (size_t)config->max_rows / 4 || left_us <= 0 ? 0 : (left_us + 999) / 1000;
        }
        struct bus_message *message = next_message(writer, wait_ms);
        if (!message)
            return;
        if (group->count == 0)
            linger_end = clock_monotonic_us() + config->linger_ms * 1000;
        if (!admit(writer, message))
            return;
    }
    atomic_store_explicit(&writer->shared->full_at, clock_monotonic_us(), memory_order_relaxed);
}

/* ---- storing
 * ----------------------------------------------------------------------------------------------------------- */

/* Which stream the positions belong to. */
static bool read_epoch(struct writer *writer, struct err *err)
{
    struct bus_stream_state state;
    if (!bus_stream_inspect(writer->shared->bus, "READINGS", &state, err))
        return false;
    writer->epoch = state.created_at_us;
    writer->epoch_read_at = clock_monotonic_us();
    return true;
}

static void forget_known(struct batch *batches, size_t count)
{
    for (size_t i = 0; i < count; i++)
        batches[i].is_committed = false;
}

/* A position is believed only for a stream that is still the one it was: what the ledger says of an earlier one would
 * lose a message. */
static bool recognise(struct writer *writer, struct store_session *session, struct batch *batches, size_t count,
    bool only_redelivered, struct err *err)
{
    size_t known = 0;
    for (int try = 0; try < 2; try++) {
        int64_t epoch = writer->epoch;
        forget_known(batches, count);
        if (!group_recognise(&writer->group_store, session, epoch, batches, count, only_redelivered, &known, err))
            return false;
        if (known == 0)
            return true;
        if (!read_epoch(writer, err)) {
            forget_known(batches, count);
            return false;
        }
        if (writer->epoch == epoch) {
            metric_add(writer->shared->metrics.recognised, known);
            return true;
        }
    }
    forget_known(batches, count);
    return err_set(err, ERR_TRANSIENT, "the stream is made anew again and again");
}

static bool commit_once(struct writer *writer, struct batch *batches, size_t count, struct err *err)
{
    AUTO(store_session) session = NULL;
    enum group_way way = writer->careful_groups > 0 ? GROUP_CAREFUL : GROUP_COPY;
    if (clock_monotonic_us() - writer->epoch_read_at > EPOCH_KEPT_MS * 1000 && !read_epoch(writer, err))
        return false;
    if (!store_session_open(&session, writer->shared->store, err) ||
        !recognise(writer, session, batches, count, way == GROUP_COPY, err))
        return false;
    if (!group_commit(&writer->group_store, session, writer->epoch, batches, count, way, err))
        return false;
    metric_add(way == GROUP_COPY ? writer->shared->metrics.commits : writer->shared->metrics.careful_commits, 1);
    return true;
}

static void count_committed(struct writer *writer, const struct batch *batches, size_t count, int64_t began_us)
{
    struct writer_metrics *metrics = &writer->shared->metrics;
    int64_t stored = 0, duplicate = 0, now_us = clock_now_us();
    for (size_t i = 0; i < count; i++) {
        if (batches[i].is_committed)
            continue;
        stored += batches[i].stored;
        duplicate += batches[i].duplicate;
        metric_observe(metrics->age_seconds, (double)(now_us - batches[i].wire->received_at) / MICROSECONDS);
    }
    metric_add(metrics->stored, (uint64_t)stored);
    metric_add(metrics->duplicate, (uint64_t)duplicate);
    metric_observe(metrics->commit_rows, (double)(stored + duplicate));
    metric_observe(metrics->commit_seconds, (double)(clock_monotonic_us() - began_us) / MICROSECONDS);
    if (duplicate > 0)
        writer->careful_groups = CAREFUL_GROUPS;
    else if (writer->careful_groups > 0)
        writer->careful_groups--;
}

/* Waits before the next try. False when we are to stop. */
static bool back_off(struct writer *writer, int try)
{
    int64_t ms = LEAST_PAUSE_MS << (try < 7 ? try : 7);
    bus_consumer_renew(writer->consumer);
    pause_ms(writer, ms < LONGEST_PAUSE_MS ? ms : LONGEST_PAUSE_MS);
    return !is_stopping(writer);
}

static void log_failure(const struct err *err, size_t count, int try)
{
    /* Repeats at 1, 2, 4, 8 ... tries: a database that is away for an hour is not a thousand lines. */
    if ((try & (try + 1)) == 0)
        log_event(
            err->kind == ERR_TRANSIENT || err->kind == ERR_LIMIT || err->kind == ERR_DEADLINE ? LOG_WARN : LOG_ERROR,
            NULL, "commit.failed",
            (const struct log_field[]){ LOG_TEXT("kind", err_kind_name(err->kind)), LOG_COUNT("messages", count),
                LOG_COUNT("try", try), LOG_ERR(err), { .type = LOG_FIELD_END } });
}

static bool store_batches(struct writer *writer, struct batch *batches, size_t count);

/* One of them is what PostgreSQL cannot take: each by itself finds out which. */
static bool store_one_by_one(struct writer *writer, struct batch *batches, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!store_batches(writer, batches + i, 1))
            return false;
    return true;
}

static void bury_batch(struct writer *writer, struct batch *batch, const struct err *err)
{
    struct bus_position position = { .stream_sequence = batch->sequence };
    bury(writer, batch->message, &position, "unstorable", batch->wire->has_batch_id ? &batch->wire->batch_id : NULL,
        err);
    release(writer, TAKE(batch->message));
}

static void finish(struct writer *writer, struct batch *batches, size_t count, int64_t began_us)
{
    count_committed(writer, batches, count, began_us);
    for (size_t i = 0; i < count; i++) {
        settle(writer, &batches[i]);
        release(writer, TAKE(batches[i].message));
    }
}

/* Until it is done, or we are to stop: false, and the messages that are left are not stored. */
static bool store_batches(struct writer *writer, struct batch *batches, size_t count)
{
    int64_t began_us = clock_monotonic_us();
    for (int try = 0;; try++) {
        struct err err = { 0 };
        if (commit_once(writer, batches, count, &err)) {
            finish(writer, batches, count, began_us);
            return true;
        }
        metric_add(writer->shared->metrics.failed_commits, 1);
        if (err.kind == ERR_CONFLICT && writer->careful_groups == 0) {
            writer->careful_groups = CAREFUL_GROUPS;
            continue;
        }
        if (writer->careful_groups == 0)
            writer->careful_groups = 1; /* it may have been a deadlock with another writer over the same readings */
        log_failure(&err, count, try);
        partition_list_clear(&writer->group_store.partitions); /* may be why */
        if (err.kind == ERR_INPUT && try + 1 >= INPUT_TRIES) {
            if (count > 1)
                return store_one_by_one(writer, batches, count);
            bury_batch(writer, batches, &err);
            return true;
        }
        if (!back_off(writer, try))
            return false;
    }
}

/* To whom is still there, at once. */
static void give_back(struct writer *writer, struct bus_message *message)
{
    struct err err = { 0 };
    if (!bus_message_nak(writer->shared->bus, message, 0, &err))
        log_debug(NULL, "nak.unsent", LOG_ERR(&err));
    release(writer, message);
}

static void run_group(struct writer *writer)
{
    struct group *group = &writer->group;
    take_group(writer);
    metric_set(writer->shared->metrics.unacknowledged,
        (double)atomic_load_explicit(&writer->shared->unacknowledged, memory_order_relaxed));
    if (group->count > 0 && !store_batches(writer, group->batches, group->count))
        for (size_t i = 0; i < group->count; i++)
            if (group->batches[i].message)
                give_back(writer, TAKE(group->batches[i].message));
    group_reset(group);
}

static void *run(void *context)
{
    struct writer *writer = context;
    while (!is_stopping(writer))
        run_group(writer);
    if (writer->held)
        give_back(writer, TAKE(writer->held));
    bus_consumer_close(TAKE(writer->consumer)); /* here, so that all writers do it at once: it takes a second */
    return NULL;
}

/* ---- life
 * ------------------------------------------------------------------------------------------------------------- */

static void writer_free(struct writer *writer)
{
    bus_consumer_close(writer->consumer);
    group_done(&writer->group);
    group_store_done(&writer->group_store);
    buffer_done(&writer->answer);
    free(writer);
}

bool writer_start(struct writer **out_writer, struct writer_shared *shared, struct err *err)
{
    const struct batch_writer_config *config = shared->config;
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return err_set(err, ERR_TRANSIENT, "no memory for a writer");
    writer->shared = shared;
    buffer_init(&writer->answer, 0);
    group_store_init(&writer->group_store, config->partition_days, ARENA_BYTES);
    struct bus_consumer_config consumer = { .stream = "READINGS",
        .durable = WRITER_DURABLE,
        .ack_wait_ms = config->ack_wait_ms,
        .max_deliver = MOST_DELIVERIES,
        .max_ack_pending = config->max_ack_pending,
        .batch = FETCH_MESSAGES,
        .batch_bytes = FETCH_BYTES,
        .keeps = true };
    if (!group_init(&writer->group, ARENA_BYTES, err) || !read_epoch(writer, err) ||
        !bus_consumer_open(&writer->consumer, shared->bus, &consumer, err)) {
        writer_free(writer);
        return err_wrap(err, "writer");
    }
    if (pthread_create(&writer->thread, NULL, run, writer) != 0) {
        writer_free(writer);
        return err_set(err, ERR_TRANSIENT, "no thread for a writer");
    }
    *out_writer = writer;
    return true;
}

void writer_join(struct writer *writer)
{
    if (!writer)
        return;
    pthread_join(writer->thread, NULL);
    writer_free(writer);
}
