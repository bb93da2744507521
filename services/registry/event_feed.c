#include "event_feed.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/service.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    WAIT_MS = 500,
    GATHER_MS = 100, /* how long the first of a group may wait for others */
    RETRY_MS = 1000,
    ACK_WAIT_MS =
        10000, /* what a killed replica had taken, or the network lost, comes again soon; twice does no harm */
    MOST_EVENTS = 500,
    MOST_BYTES = 4 * 1024 * 1024,
    ARENA_BYTES = 64 * 1024 * 1024,
};

struct event_feed {
    struct registry *registry;
    struct event_feed_config config;
    struct bus *bus;
    struct bus_consumer *consumer;
    struct arena arena;
    pthread_t thread;
    atomic_bool must_stop;
    struct bus_message *messages[MOST_EVENTS];
    const ProtobufCMessage *events[MOST_EVENTS];
    size_t count, bytes;
};

static void settle(struct event_feed *feed, size_t first, size_t count, bool is_done)
{
    for (size_t i = first; i < first + count; i++) {
        struct err err = { 0 };
        bool ok = is_done ? bus_message_ack(feed->bus, feed->messages[i], &err)
                          : bus_message_nak(feed->bus, feed->messages[i], RETRY_MS, &err);
        if (!ok)
            log_debug(NULL, "acknowledgement.unsent", LOG_ERR(&err)); /* it comes again after ACK_WAIT_MS */
    }
}

static bool may_pass(const struct err *err)
{
    return err->kind == ERR_TRANSIENT || err->kind == ERR_DEADLINE || err->kind == ERR_LIMIT;
}

static void drop(struct event_feed *feed, size_t i, const struct err *why)
{
    struct err err = { 0 };
    log_error(NULL, "event.dropped", LOG_TEXT("subject", bus_message_subject(feed->messages[i])),
        LOG_TEXT("kind", err_kind_name(why->kind)), LOG_ERR(why));
    if (!bus_message_term(feed->bus, feed->messages[i], &err))
        log_debug(NULL, "acknowledgement.unsent", LOG_ERR(&err));
}

static void take_each(struct event_feed *feed)
{
    for (size_t i = 0; i < feed->count; i++) {
        struct err err = { 0 };
        if (feed->config.take(feed->registry, &feed->events[i], 1, &feed->arena, &err))
            settle(feed, i, 1, true);
        else if (may_pass(&err))
            settle(feed, i, 1, false);
        else
            drop(feed, i, &err);
    }
}

static void take_group(struct event_feed *feed)
{
    struct err err = { 0 };
    bool ok = feed->config.take(feed->registry, feed->events, feed->count, &feed->arena, &err);
    if (!ok)
        log_warn(NULL, "event_feed.failed", LOG_TEXT("durable", feed->config.durable),
            LOG_TEXT("kind", err_kind_name(err.kind)), LOG_ERR(&err));
    if (ok || may_pass(&err))
        settle(feed, 0, feed->count, ok);
    else
        take_each(feed);
    for (size_t i = 0; i < feed->count; i++)
        bus_message_close(feed->messages[i]);
    feed->count = feed->bytes = 0;
    arena_reset(&feed->arena);
}

/* Decoded at once: what cannot be read is not asked for again. */
static void add(struct event_feed *feed, struct bus_message *message)
{
    struct err err = { 0 };
    ProtobufCMessage *event = NULL;
    feed->messages[feed->count] = message;
    if (wire_decode(
            &event, &feed->arena, feed->config.type, bus_message_data(message), bus_message_size(message), &err)) {
        feed->bytes += bus_message_size(message);
        feed->events[feed->count++] = event;
        return;
    }
    drop(feed, feed->count, &err);
    bus_message_close(message);
}

/* False when the consumer is gone for good. */
static bool gather(struct event_feed *feed, struct err *err)
{
    int64_t end_us = 0;
    while (feed->count < MOST_EVENTS && feed->bytes < MOST_BYTES) {
        struct bus_message *message = NULL;
        int64_t left_ms = end_us ? (end_us - clock_monotonic_us()) / 1000 : WAIT_MS;
        if (!bus_consumer_next(feed->consumer, left_ms > 0 ? left_ms : 0, &message, err))
            return false;
        if (!message)
            return true;
        if (!end_us)
            end_us = clock_monotonic_us() + GATHER_MS * INT64_C(1000);
        add(feed, message);
    }
    return true;
}

static void *run(void *argument)
{
    struct event_feed *feed = argument;
    while (!atomic_load(&feed->must_stop)) {
        struct err err = { 0 };
        bool ok = gather(feed, &err);
        if (feed->count > 0)
            take_group(feed);
        if (!ok) {
            service_fail(feed->registry->service, &err); /* for good: be restarted */
            break;
        }
    }
    return NULL;
}

static void feed_free(struct event_feed *feed)
{
    bus_consumer_close(feed->consumer);
    arena_done(&feed->arena);
    free(feed);
}

bool event_feed_start(
    struct event_feed **out_feed, struct registry *registry, const struct event_feed_config *config, struct err *err)
{
    const struct bus_consumer_config consumer = { .stream = config->stream ? config->stream : "EVENTS",
        .durable = config->durable,
        .filter = config->filter,
        .ack_wait_ms = ACK_WAIT_MS,
        .max_deliver = 100000, /* until PostgreSQL is back */
        .max_ack_pending = 4 * MOST_EVENTS,
        .batch = MOST_EVENTS };
    struct event_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return err_set(err, ERR_LIMIT, "no memory to follow events");
    feed->registry = registry;
    feed->config = *config;
    feed->bus = service_bus(registry->service);
    arena_init(&feed->arena, ARENA_BYTES);
    if (!bus_consumer_open(&feed->consumer, feed->bus, &consumer, err)) {
        feed_free(feed);
        return false;
    }
    if (pthread_create(&feed->thread, NULL, run, feed) != 0) {
        feed_free(feed);
        return err_set(err, ERR_LIMIT, "no thread to follow events");
    }
    *out_feed = feed;
    return true;
}

void event_feed_stop(struct event_feed *feed)
{
    if (!feed)
        return;
    atomic_store(&feed->must_stop, true);
    pthread_join(feed->thread, NULL);
    feed_free(feed);
}
