/* One thread that carries the outbox to the bus. */
#include "base/clock.h"
#include "base/condition.h"
#include "service/service_internal.h"
#include "store/outbox.h"
#include <stdlib.h>

enum { MOST_A_ROUND = 500, IDLE_MS = 250, PUBLISH_MS = 3000, LONGEST_BACKOFF_MS = 5000, LAST_ROUNDS_MS = 5000 };

struct outbox_relay {
    struct service *service;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_work, must_stop; /* guarded by the lock */
    bool was_well;
    int64_t backoff_ms;
    struct metric *published, *failures;
};

static bool publish(void *context, const char *subject, const void *payload, size_t size, const char *message_id,
    const char *traceparent, struct err *err)
{
    struct outbox_relay *relay = context;
    const struct bus_header header = { "traceparent", traceparent };
    const struct bus_outgoing message = {
        .subject = subject, .data = payload, .size = size, .headers = &header, .header_count = traceparent ? 1 : 0
    };
    if (!bus_publish(relay->service->bus, &message, message_id, PUBLISH_MS, NULL, err))
        return err_wrap(err, "message %s to %s", message_id, subject);
    metric_add(relay->published, 1);
    return true;
}

/* Waits until there is work, told or by the clock; while the bus or the store is away only the clock counts. False when
 * told to stop. */
static bool wait_for_work(struct outbox_relay *relay, int64_t wait_ms)
{
    int64_t end_us = clock_end_us(wait_ms);
    pthread_mutex_lock(&relay->lock);
    while (!relay->must_stop && !(relay->has_work && relay->was_well) &&
           condition_wait_until(&relay->changed, &relay->lock, end_us))
        ;
    relay->has_work = false;
    bool goes_on = !relay->must_stop;
    pthread_mutex_unlock(&relay->lock);
    return goes_on;
}

/* A fault is logged when it begins and when it is over; each try is counted. */
static void note(struct outbox_relay *relay, bool ok, const struct err *err)
{
    if (!ok)
        metric_add(relay->failures, 1);
    if (ok && !relay->was_well)
        log_info(NULL, "outbox.goes_on");
    if (!ok && relay->was_well)
        log_warn(NULL, "outbox.waiting", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
    relay->was_well = ok;
}

/* How long to wait before the next round. */
static int64_t next_wait(struct outbox_relay *relay, bool ok, size_t count)
{
    if (ok) {
        relay->backoff_ms = 0;
        return count == MOST_A_ROUND ? 0 : IDLE_MS;
    }
    relay->backoff_ms = relay->backoff_ms == 0 ? IDLE_MS : relay->backoff_ms * 2;
    if (relay->backoff_ms > LONGEST_BACKOFF_MS)
        relay->backoff_ms = LONGEST_BACKOFF_MS;
    return relay->backoff_ms;
}

static bool carry(struct outbox_relay *relay, size_t *out_count)
{
    struct err err = { 0 };
    *out_count = 0;
    bool ok = outbox_drain(relay->service->store, MOST_A_ROUND, publish, relay, out_count, &err);
    note(relay, ok, &err);
    return ok;
}

/* What the last transactions left is carried before the process ends, if it goes. */
static void carry_the_rest(struct outbox_relay *relay)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)LAST_ROUNDS_MS * 1000;
    size_t count = MOST_A_ROUND;
    while (count == MOST_A_ROUND && relay->was_well && clock_monotonic_us() < until_us)
        if (!carry(relay, &count))
            return;
}

static void *run(void *argument)
{
    struct outbox_relay *relay = argument;
    int64_t wait_ms = 0;
    while (wait_for_work(relay, wait_ms)) {
        size_t count;
        bool ok = carry(relay, &count);
        wait_ms = next_wait(relay, ok, count);
    }
    carry_the_rest(relay);
    return NULL;
}

static struct outbox_relay *relay_new(struct service *service)
{
    struct outbox_relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return NULL;
    relay->service = service;
    relay->was_well = true;
    relay->published =
        metrics_counter("nwims_outbox_published_total", NULL, "Messages carried from the outbox to the bus.");
    relay->failures =
        metrics_counter("nwims_outbox_failures_total", NULL, "Rounds of the outbox that did not get through.");
    pthread_mutex_init(&relay->lock, NULL);
    condition_init(&relay->changed);
    return relay;
}

static void relay_free(struct outbox_relay *relay)
{
    pthread_cond_destroy(&relay->changed);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
}

/* Carries what is in the outbox as long as that works, then ends. */
static void relay_stop(struct outbox_relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    relay->must_stop = true;
    pthread_cond_signal(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
    pthread_join(relay->thread, NULL);
    relay_free(relay);
}

bool service_relay_outbox(struct service *service, struct err *err)
{
    if (service->relay || !service->store || !service->bus)
        return err_set(err, ERR_BUG, "an outbox needs a store and a bus, and one relay");
    struct outbox_relay *relay = relay_new(service);
    if (!relay)
        return err_set(err, ERR_LIMIT, "no memory for the outbox relay");
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SERVICE_STACK_BYTES);
    bool ok = pthread_create(&relay->thread, &attributes, run, relay) == 0;
    pthread_attr_destroy(&attributes);
    if (ok) {
        service->relay = relay;
        service->stop_relay = relay_stop;
    } else {
        relay_free(relay);
    }
    return ok || err_set(err, ERR_LIMIT, "no thread for the outbox relay");
}

void service_outbox_wake(struct service *service)
{
    struct outbox_relay *relay = service->relay;
    if (!relay)
        return;
    pthread_mutex_lock(&relay->lock);
    relay->has_work = true;
    pthread_cond_signal(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
}
