#include "base/clock.h"
#include "base/condition.h"
#include "bus/bus_internal.h"
#include "bus/bus_puback.h"
#include "bus/bus_ticket.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Not js_PublishAsync: it has no time limit for an acknowledgement that a lost connection took along, and a full window
 * blocks for a time of its own. Here each message has a ticket, and its acknowledgement comes to <inbox>.<ticket>. */
enum {
    ACK_WAIT_MS = 5000, /* an acknowledgement that did not come by then was lost with a connection or a server */
    LOOK_MS = 200,      /* how often we look for such                                                          */
    AWAY_STEP_MS = 20,
    MOST_IN_FLIGHT = 65536, /* as many acknowledgements as a listener holds */
};

struct flight {
    void *context;
    int64_t end_us;
};

struct bus_publisher {
    struct bus *bus;
    bus_published *handler;
    char inbox[BUS_INBOX_SIZE];
    struct bus_listener listener;
    int64_t looked_at_us; /* of the listener's thread only */
    pthread_mutex_t lock;
    pthread_cond_t landed;
    struct bus_tickets tickets;
    struct flight *flights; /* by place of the ticket */
    size_t in_flight;       /* put, and the handler has not returned */
    size_t waiting;
};

/* ---- landing: on the listener's thread, or in close after that has ended ---- */
/* Only one of acknowledgement, time limit and failed put gets the context. */
static bool take_off(struct bus_publisher *publisher, uint64_t ticket, void **out_context)
{
    pthread_mutex_lock(&publisher->lock);
    bool is_out = bus_ticket_return(&publisher->tickets, ticket) != NULL;
    if (is_out)
        *out_context = publisher->flights[bus_ticket_place(ticket)].context;
    pthread_mutex_unlock(&publisher->lock);
    return is_out;
}

static void count_landed(struct bus_publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    publisher->in_flight--;
    if (publisher->waiting > 0)
        pthread_cond_broadcast(&publisher->landed);
    pthread_mutex_unlock(&publisher->lock);
}

static void land(struct bus_publisher *publisher, uint64_t ticket, const struct err *err)
{
    void *context;
    if (!take_off(publisher, ticket, &context)) {
        metric_add(publisher->bus->late_total, 1);
        return;
    }
    publisher->handler(context, err);
    count_landed(publisher);
}

static void read_answer(struct bus_publisher *publisher, natsMsg *message)
{
    struct err err = { 0 };
    struct bus_puback puback;
    uint64_t ticket;
    if (!bus_ticket_parse(natsMsg_GetSubject(message), &ticket))
        return;
    bool is_stored = false;
    if (natsMsg_IsNoResponders(message))
        err_set(&err, ERR_TRANSIENT, "no stream takes this subject");
    else
        is_stored = bus_puback_parse(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), &puback, &err);
    land(publisher, ticket, is_stored ? NULL : &err);
}

/* The next ticket at or after *place that is overdue at now_us; *place moves behind it. */
static bool find_overdue(struct bus_publisher *publisher, size_t *place, int64_t now_us, uint64_t *out_ticket)
{
    bool is_found = false;
    pthread_mutex_lock(&publisher->lock);
    while (!is_found && *place < publisher->tickets.ceiling) {
        is_found =
            publisher->flights[*place].end_us <= now_us && bus_ticket_at(&publisher->tickets, *place, out_ticket);
        ++*place;
    }
    pthread_mutex_unlock(&publisher->lock);
    return is_found;
}

static void fail_overdue(struct bus_publisher *publisher, int64_t now_us, const char *why)
{
    struct err err = { 0 };
    uint64_t ticket;
    err_set(&err, ERR_TRANSIENT, "%s: not known to be stored", why);
    for (size_t place = 0; find_overdue(publisher, &place, now_us, &ticket);)
        land(publisher, ticket, &err);
}

static void on_answer(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *context)
{
    struct bus_publisher *publisher = context;
    (void)connection;
    (void)subscription;
    if (message) {
        read_answer(publisher, message);
        natsMsg_Destroy(message);
    }
    int64_t now_us = clock_monotonic_us();
    if (now_us - publisher->looked_at_us < (int64_t)LOOK_MS * 1000)
        return;
    publisher->looked_at_us = now_us;
    fail_overdue(publisher, now_us, "no acknowledgement");
}

/* ---- putting ---- */
/* What is put while the connection is away would only wait in its buffer: the caller does better to know. */
static bool wait_for_bus(struct bus_publisher *publisher, const char *subject, int64_t end_us, struct err *err)
{
    while (!bus_check_connected(publisher->bus->bulk, subject, err)) {
        if (err->kind != ERR_TRANSIENT || clock_monotonic_us() >= end_us)
            return false;
        clock_sleep_ms(AWAY_STEP_MS);
    }
    return true;
}

static bool take_place(
    struct bus_publisher *publisher, void *message_context, int64_t end_us, uint64_t *out_ticket, struct err *err)
{
    bool has_time = true;
    pthread_mutex_lock(&publisher->lock);
    bool has_place = bus_ticket_issue(&publisher->tickets, publisher, out_ticket);
    publisher->waiting++;
    while (!has_place && has_time) {
        has_time = condition_wait_until(&publisher->landed, &publisher->lock, end_us);
        has_place = bus_ticket_issue(&publisher->tickets, publisher, out_ticket);
    }
    publisher->waiting--;
    if (has_place) {
        publisher->flights[bus_ticket_place(*out_ticket)] =
            (struct flight){ message_context, clock_end_us(ACK_WAIT_MS) };
        publisher->in_flight++;
    }
    pthread_mutex_unlock(&publisher->lock);
    return has_place || err_set(err, ERR_LIMIT, "%zu messages are in flight already", publisher->tickets.ceiling);
}

static bool send_with(struct bus_publisher *publisher, const struct bus_outgoing *outgoing, const char *message_id,
    uint64_t ticket, struct err *err)
{
    char reply[BUS_TICKET_SUBJECT_SIZE];
    natsMsg *message = NULL;
    bus_ticket_format(reply, sizeof reply, publisher->inbox, ticket);
    if (!bus_outgoing_build(&message, outgoing, reply, message_id, err))
        return false;
    natsStatus status = natsConnection_PublishMsg(publisher->bus->bulk, message);
    natsMsg_Destroy(message);
    return status == NATS_OK || bus_fail(err, status, "publishing to", outgoing->subject);
}

bool bus_publisher_put(struct bus_publisher *publisher, const struct bus_outgoing *message, const char *message_id,
    void *message_context, int64_t wait_ms, struct err *err)
{
    uint64_t ticket;
    void *context;
    int64_t end_us = clock_end_us(wait_ms);
    if (!wait_for_bus(publisher, message->subject, end_us, err) ||
        !take_place(publisher, message_context, end_us, &ticket, err))
        return false;
    if (send_with(publisher, message, message_id, ticket, err) || !take_off(publisher, ticket, &context))
        return true; /* sent; or not wholly, and yet the handler has been called already */
    count_landed(publisher);
    return false;
}

bool bus_publisher_flush(struct bus_publisher *publisher, int64_t wait_ms, struct err *err)
{
    bool has_time = true;
    int64_t end_us = clock_end_us(wait_ms);
    pthread_mutex_lock(&publisher->lock);
    publisher->waiting++;
    while (publisher->in_flight > 0 && has_time)
        has_time = condition_wait_until(&publisher->landed, &publisher->lock, end_us);
    publisher->waiting--;
    size_t left = publisher->in_flight;
    pthread_mutex_unlock(&publisher->lock);
    return left == 0 ||
           err_set(err, ERR_DEADLINE, "%zu messages are still in flight after %" PRId64 " ms", left, wait_ms);
}

/* ---- opening and closing ---- */
static bool start(struct bus_publisher *publisher, size_t most_in_flight, struct err *err)
{
    char subject[BUS_TICKET_SUBJECT_SIZE];
    if (most_in_flight == 0 || most_in_flight > MOST_IN_FLIGHT)
        return err_set(err, ERR_CONFIG, "%zu messages in flight: 1 to %d", most_in_flight, MOST_IN_FLIGHT);
    publisher->flights = calloc(most_in_flight, sizeof *publisher->flights);
    if (!publisher->flights || !bus_tickets_init(&publisher->tickets, most_in_flight))
        return err_set(err, ERR_LIMIT, "no memory for %zu messages in flight", most_in_flight);
    if (!bus_inbox_name(publisher->inbox, err))
        return false;
    snprintf(subject, sizeof subject, "%s.*", publisher->inbox);
    return bus_listener_start(
        &publisher->listener, publisher->bus->bulk, subject, NULL, LOOK_MS, on_answer, publisher, err);
}

bool bus_publisher_open(struct bus_publisher **out_publisher, struct bus *bus, size_t most_in_flight,
    bus_published *handler, struct err *err)
{
    AUTO(bus_publisher) publisher = calloc(1, sizeof *publisher);
    if (!publisher)
        return err_set(err, ERR_LIMIT, "no memory for a publisher");
    publisher->bus = bus;
    publisher->handler = handler;
    pthread_mutex_init(&publisher->lock, NULL);
    condition_init(&publisher->landed);
    if (!start(publisher, most_in_flight, err))
        return false;
    *out_publisher = TAKE(publisher);
    return true;
}

void bus_publisher_close(struct bus_publisher *publisher)
{
    if (!publisher)
        return;
    bus_listener_stop(&publisher->listener);
    fail_overdue(publisher, INT64_MAX, "the publisher was closed");
    bus_tickets_done(&publisher->tickets);
    free(publisher->flights);
    pthread_cond_destroy(&publisher->landed);
    pthread_mutex_destroy(&publisher->lock);
    free(publisher);
}
