#include "bus/bus_internal.h"
#include "bus/bus_subject.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_PENDING_MESSAGES = 65536, /* beyond either, messages are dropped and counted */
    MOST_PENDING_BYTES = 64 * 1024 * 1024,
    EFFECT_MS = 2000,
};

/* ---- the listener: what inboxes, publishers and subscriptions share ---- */
static void on_done(void *context)
{
    struct bus_listener *listener = context;
    pthread_mutex_lock(&listener->lock);
    listener->is_done = true;
    pthread_cond_signal(&listener->done);
    pthread_mutex_unlock(&listener->lock);
}

static natsStatus subscribe(struct bus_listener *listener, natsConnection *connection, const char *subject,
    const char *group, int64_t timeout_ms, natsMsgHandler callback, void *context)
{
    if (group)
        return natsConnection_QueueSubscribe(&listener->subscription, connection, subject, group, callback, context);
    if (timeout_ms > 0)
        return natsConnection_SubscribeTimeout(
            &listener->subscription, connection, subject, timeout_ms, callback, context);
    return natsConnection_Subscribe(&listener->subscription, connection, subject, callback, context);
}

static bool adopt(struct bus_listener *listener, natsConnection *connection, const char *subject, struct err *err)
{
    natsStatus status = natsSubscription_SetOnCompleteCB(listener->subscription, on_done, listener);
    if (status != NATS_OK) {
        natsSubscription_Destroy(TAKE(listener->subscription));
        return bus_fail(err, status, "subscribing to", subject);
    }
    status = natsSubscription_SetPendingLimits(listener->subscription, MOST_PENDING_MESSAGES, MOST_PENDING_BYTES);
    if (status != NATS_OK) {
        bus_listener_stop(listener);
        return bus_fail(err, status, "subscribing to", subject);
    }
    /* After this the server knows of it, and requests from elsewhere find it. Away, it will be told on reconnecting. */
    natsConnection_FlushTimeout(connection, EFFECT_MS);
    return true;
}

bool bus_listener_start(struct bus_listener *listener, natsConnection *connection, const char *subject,
    const char *group, int64_t timeout_ms, natsMsgHandler callback, void *context, struct err *err)
{
    listener->is_done = false;
    pthread_mutex_init(&listener->lock, NULL);
    pthread_cond_init(&listener->done, NULL);
    natsStatus status = subscribe(listener, connection, subject, group, timeout_ms, callback, context);
    if (status == NATS_OK)
        return adopt(listener, connection, subject, err);
    listener->subscription = NULL;
    return bus_fail(err, status, "subscribing to", subject);
}

void bus_listener_stop(struct bus_listener *listener)
{
    if (!listener->subscription)
        return;
    natsSubscription_Unsubscribe(listener->subscription);
    pthread_mutex_lock(&listener->lock);
    while (!listener->is_done) /* destroying while a message is being delivered crashes 3.4.1 */
        pthread_cond_wait(&listener->done, &listener->lock);
    pthread_mutex_unlock(&listener->lock);
    natsSubscription_Destroy(listener->subscription);
    listener->subscription = NULL;
    pthread_cond_destroy(&listener->done);
    pthread_mutex_destroy(&listener->lock);
}

bool bus_inbox_name(char name[BUS_INBOX_SIZE], struct err *err)
{
    natsInbox *inbox = NULL;
    natsStatus status = natsInbox_Create(&inbox);
    if (status != NATS_OK)
        return bus_fail(err, status, "making", "an inbox");
    int length = snprintf(name, BUS_INBOX_SIZE, "%s", inbox);
    natsInbox_Destroy(inbox);
    return (length > 0 && length < BUS_INBOX_SIZE) || err_set(err, ERR_BUG, "the name of an inbox is too long");
}

/* ---- subscriptions ---- */
struct bus_subscription {
    struct bus_listener listener;
    bus_handler_take *handler;
    void *context;
};

static void on_message(natsConnection *connection, natsSubscription *nats, natsMsg *message, void *context)
{
    struct bus_subscription *subscription = context;
    (void)connection;
    (void)nats;
    subscription->handler(subscription->context, bus_message_from(message));
}

bool bus_subscribe(struct bus_subscription **out_subscription, struct bus *bus, const char *subject,
    const char *queue_group, bus_handler_take *handler, void *context, struct err *err)
{
    if (!bus_pattern_is_valid(subject) || (queue_group && !bus_name_is_valid(queue_group)))
        return err_set(err, ERR_INPUT, "\"%.80s\" is no subject to subscribe to", subject ? subject : "");
    struct bus_subscription *subscription = calloc(1, sizeof *subscription);
    if (!subscription)
        return err_set(err, ERR_LIMIT, "no memory for a subscription");
    subscription->handler = handler;
    subscription->context = context;
    if (!bus_listener_start(
            &subscription->listener, bus->control, subject, queue_group, 0, on_message, subscription, err)) {
        free(subscription);
        return false;
    }
    *out_subscription = subscription;
    return true;
}

void bus_subscription_close(struct bus_subscription *subscription)
{
    if (!subscription)
        return;
    bus_listener_stop(&subscription->listener);
    free(subscription);
}
