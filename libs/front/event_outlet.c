#include "front/event_outlet.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/uuid.h"
#include "metrics/metrics.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IN_FLIGHT = 256, PUT_WAIT_MS = 200, AGAIN_WAIT_MS = 50, EVENT_BYTES = 64 * 1024, CLOSE_LOOK_MS = 5 };

struct event {
    struct event_outlet *outlet;
    char subject[64];
    char id[UUID_TEXT_SIZE];
    struct buffer body;
};
struct event_outlet {
    struct bus_publisher *publisher;
    struct queue *queue;
    pthread_t thread;
    bool is_started;
    atomic_bool is_closing;
    atomic_size_t open; /* events that are not stored yet */
    struct metric *dropped, *waiting;
};

static void drop(struct event *event, bool is_stored)
{
    struct event_outlet *outlet = event->outlet;
    metric_add(outlet->dropped, is_stored ? 0 : 1);
    metric_set(outlet->waiting, (double)(atomic_fetch_sub(&outlet->open, 1) - 1));
    buffer_done(&event->body);
    free(event);
}

/* On a thread of the bus. What was not stored goes to the end of the queue: with the same id it is stored once. */
static void on_published(void *message_context, const struct err *err)
{
    struct event *event = message_context;
    bool is_lasting = err && (err->kind == ERR_INPUT || err->kind == ERR_BUG || err->kind == ERR_CONFIG);
    if (!err || is_lasting || !queue_push(event->outlet->queue, event, 0))
        drop(event, !err);
}

static void send_one(struct event_outlet *outlet, struct event *event)
{
    struct err err = { 0 };
    const struct bus_outgoing message = {
        .subject = event->subject, .data = event->body.data, .size = event->body.size
    };
    if (bus_publisher_put(outlet->publisher, &message, event->id, event, PUT_WAIT_MS, &err))
        return;
    on_published(event, &err);
    if (!atomic_load(&outlet->is_closing))
        clock_sleep_ms(AGAIN_WAIT_MS);
}

static void *run(void *context)
{
    struct event_outlet *outlet = context;
    struct event *event;
    while ((event = queue_pop(outlet->queue, -1)))
        send_one(outlet, event);
    return NULL;
}

static void event_outlet_auto(struct event_outlet **outlet)
{
    event_outlet_close(*outlet, 0);
}

bool event_outlet_open(struct event_outlet **out_outlet, struct bus *bus, size_t most_waiting, struct err *err)
{
    __attribute__((cleanup(event_outlet_auto))) struct event_outlet *outlet = calloc(1, sizeof *outlet);
    if (!outlet || !(outlet->queue = queue_new(most_waiting)))
        return err_set(err, ERR_LIMIT, "no memory for events");
    outlet->dropped = metrics_counter("nwims_ingest_events_dropped_total", NULL, "Events that could not be kept");
    outlet->waiting = metrics_gauge("nwims_ingest_events_waiting", NULL, "Events that the stream has not stored yet");
    if (!bus_publisher_open(&outlet->publisher, bus, MOST_IN_FLIGHT, on_published, err))
        return false;
    int failed = pthread_create(&outlet->thread, NULL, run, outlet);
    if (failed != 0)
        return err_set(err, ERR_LIMIT, "no thread for events: %s", strerror(failed));
    outlet->is_started = true;
    *out_outlet = TAKE(outlet);
    return true;
}

void event_outlet_close(struct event_outlet *outlet, int64_t wait_ms)
{
    int64_t end_us = clock_monotonic_us() + wait_ms * 1000;
    if (!outlet)
        return;
    while (atomic_load(&outlet->open) > 0 && clock_monotonic_us() < end_us)
        clock_sleep_ms(CLOSE_LOOK_MS);
    atomic_store(&outlet->is_closing, true);
    if (outlet->queue)
        queue_close(outlet->queue);
    if (outlet->is_started)
        pthread_join(outlet->thread, NULL);
    bus_publisher_close(outlet->publisher);
    queue_free(outlet->queue);
    free(outlet);
}

void event_outlet_put(
    struct event_outlet *outlet, int32_t tenant_id, const char *entity, const ProtobufCMessage *message)
{
    struct err err = { 0 };
    struct uuid id = uuid_new();
    struct event *event = calloc(1, sizeof *event);
    if (!event) {
        metric_add(outlet->dropped, 1);
        return;
    }
    event->outlet = outlet;
    event->body.ceiling_bytes = EVENT_BYTES;
    uuid_format(event->id, &id);
    snprintf(event->subject, sizeof event->subject, "events.%" PRId32 ".%s", tenant_id, entity);
    metric_set(outlet->waiting, (double)(atomic_fetch_add(&outlet->open, 1) + 1));
    if (wire_encode(&event->body, message, &err) && queue_push(outlet->queue, event, 0))
        return;
    log_warn(NULL, "event.dropped", LOG_TEXT("entity", entity), LOG_ERR(&err));
    drop(event, false);
}
