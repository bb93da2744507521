#include "base/clock.h"
#include "service_internal.h"
#include "store/outbox.h"
#include <stdlib.h>
#include <time.h>

enum { MOST_A_ROUND = 500, IDLE_MS = 250, PUBLISH_MS = 3000, LONGEST_BACKOFF_MS = 5000 };

/* One thread that carries the outbox to the bus. The lock guards the two flags. */
struct outbox_relay {
    struct service *service;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_work, must_stop;
    struct metric *published;
};

static bool publish(void *context, const char *subject, const void *payload, size_t size, const char *message_id, const char *traceparent,
    struct err *err)
{
    struct outbox_relay *relay = context;
    const struct bus_header header = { "traceparent", traceparent };
    const struct bus_outgoing message = { .subject = subject, .data = payload, .size = size, .headers = &header, .header_count = traceparent ? 1 : 0 };
    if (!bus_publish(relay->service->bus, &message, message_id, PUBLISH_MS, NULL, err))
        return false;
    metric_add(relay->published, 1);
    return true;
}

/* False when told to stop. */
static bool wait_for_work(struct outbox_relay *relay, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&relay->lock);
    while (!relay->has_work && !relay->must_stop)
        if (pthread_cond_timedwait(&relay->changed, &relay->lock, &until) != 0)
            break;
    relay->has_work = false;
    bool goes_on = !relay->must_stop;
    pthread_mutex_unlock(&relay->lock);
    return goes_on;
}

static void *run(void *argument)
{
    struct outbox_relay *relay = argument;
    bool was_well = true;
    int64_t wait_ms = 0;
    while (wait_for_work(relay, wait_ms)) {
        struct err err = { 0 };
        size_t count = 0;
        bool ok = outbox_drain(relay->service->store, MOST_A_ROUND, publish, relay, &count, &err);
        if (ok != was_well) {
            if (ok)
                log_info(NULL, "outbox.goes_on");
            else
                log_warn(NULL, "outbox.waiting", LOG_TEXT("kind", err_kind_name(err.kind)), LOG_ERR(&err));
        }
        was_well = ok;
        if (!ok)
            wait_ms = wait_ms < IDLE_MS ? IDLE_MS : wait_ms * 2 > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS : wait_ms * 2;
        else
            wait_ms = count == MOST_A_ROUND ? 0 : IDLE_MS;
    }
    return NULL;
}

bool service_relay_outbox(struct service *service, struct err *err)
{
    struct outbox_relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return err_set(err, ERR_LIMIT, "no memory for the outbox relay");
    relay->service = service;
    relay->published = metrics_counter("nwims_outbox_published_total", NULL, "Messages carried from the outbox to the bus");
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->changed, NULL);
    if (pthread_create(&relay->thread, NULL, run, relay) != 0) {
        free(relay);
        return err_set(err, ERR_LIMIT, "no thread for the outbox relay");
    }
    service->relay = relay;
    return true;
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

void outbox_relay_stop(struct outbox_relay *relay)
{
    if (!relay)
        return;
    pthread_mutex_lock(&relay->lock);
    relay->must_stop = true;
    pthread_cond_signal(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
    pthread_join(relay->thread, NULL);
    pthread_cond_destroy(&relay->changed);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
}
