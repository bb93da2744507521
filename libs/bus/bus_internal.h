/* What the files of libs/bus share. nats.h is included here and in no header that others see. */
#pragma once
#include "bus/bus.h"
#include "metrics/metrics.h"
#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>

enum { BUS_MOST_HOOKS = 8, BUS_API_WAIT_MS = 5000, BUS_INBOX_SIZE = 64, BUS_TICKET_SUBJECT_SIZE = BUS_INBOX_SIZE + 24 };

struct bus_hook {
    void (*callback)(void *context);
    void *context;
};

struct bus {
    natsConnection *control; /* sends at once: requests, pulls, acknowledgements, inboxes */
    natsConnection *bulk;    /* sends each millisecond or when full: publishes, many in flight */
    jsCtx *streams;
    pthread_mutex_t lock;
    pthread_cond_t closed;
    int closed_count;
    struct bus_hook hooks[BUS_MOST_HOOKS];
    size_t hook_count;
    atomic_uint_fast64_t reconnects; /* of control: what was asked for before is lost */
    struct metric *slow_consumer_total;
    struct metric *reconnect_total;
    struct metric *refused_total;
    struct metric *late_total;
    struct metric *pull_restart_total;
};

/* A struct bus_message is a natsMsg under another name: one allocation less for each message. */
static inline struct bus_message *bus_message_from(natsMsg *message)
{
    return (struct bus_message *)message;
}
static inline natsMsg *nats_message(const struct bus_message *message)
{
    return (natsMsg *)(uintptr_t)message;
}

/* Translates at the call that gave the status: "<doing> <subject>: <text>". Returns false. */
bool bus_fail(struct err *err, natsStatus status, const char *doing, const char *subject);
/* The same for the JetStream API, where the server's own code says more than the status. */
bool bus_fail_api(struct err *err, natsStatus status, jsErrCode code, const char *doing, const char *name);

/* False with ERR_TRANSIENT while the connection is away, with ERR_CONFIG when it is closed for good. */
MUST_CHECK bool bus_check_connected(natsConnection *connection, const char *doing, struct err *err);

/* reply and message_id may be NULL. ERR_INPUT if it cannot be sent; the caller destroys what comes out. */
MUST_CHECK bool bus_outgoing_build(natsMsg **out_message, const struct bus_outgoing *outgoing, const char *reply,
    const char *message_id, struct err *err);

/* A subject below which this process alone gets answers: "_INBOX.<unique>". */
MUST_CHECK bool bus_inbox_name(char name[BUS_INBOX_SIZE], struct err *err);

/* A subscription with a callback, and the certainty of when the last call of it has returned. */
struct bus_listener {
    natsSubscription *subscription;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};
/* In place. timeout_ms 0: none; else the callback comes with NULL after so long without a message. group may be NULL.
 */
MUST_CHECK bool bus_listener_start(struct bus_listener *listener, natsConnection *connection, const char *subject,
    const char *group, int64_t timeout_ms, natsMsgHandler callback, void *context, struct err *err);
/* Waits until no call runs; a listener that never started is fine. */
void bus_listener_stop(struct bus_listener *listener);
