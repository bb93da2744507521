#include "bus/bus_inbox.h"
#include "base/clock.h"
#include "base/condition.h"
#include "bus/bus_internal.h"
#include "bus/bus_ticket.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct bus_inbox {
    struct bus *bus;
    char name[BUS_INBOX_SIZE];
    struct bus_listener listener;
    pthread_mutex_t lock;
    struct bus_tickets tickets; /* each with its expectation */
};

struct bus_expectation {
    struct bus_inbox *inbox;
    uint64_t ticket;
    char subject[BUS_TICKET_SUBJECT_SIZE];
    pthread_cond_t came;
    natsMsg *message; /* the first that came and was not waited for yet */
};

/* Whether somebody keeps the message. */
static bool hand_over(struct bus_inbox *inbox, uint64_t ticket, natsMsg *message)
{
    pthread_mutex_lock(&inbox->lock);
    struct bus_expectation *expectation = bus_ticket_value(&inbox->tickets, ticket);
    bool is_kept = expectation && !expectation->message;
    if (is_kept) {
        expectation->message = message;
        pthread_cond_signal(&expectation->came);
    }
    pthread_mutex_unlock(&inbox->lock);
    return is_kept;
}

static void on_answer(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *context)
{
    struct bus_inbox *inbox = context;
    uint64_t ticket;
    (void)connection;
    (void)subscription;
    if (bus_ticket_parse(natsMsg_GetSubject(message), &ticket) && !natsMsg_IsNoResponders(message) &&
        hand_over(inbox, ticket, message))
        return;
    natsMsg_Destroy(message);
    metric_add(inbox->bus->late_total, 1);
}

static bool start(struct bus_inbox *inbox, size_t ceiling, struct err *err)
{
    char subject[BUS_TICKET_SUBJECT_SIZE];
    if (ceiling == 0 || ceiling > BUS_MOST_TICKETS)
        return err_set(err, ERR_CONFIG, "%zu expectations: 1 to %d", ceiling, BUS_MOST_TICKETS);
    if (!bus_tickets_init(&inbox->tickets, ceiling))
        return err_set(err, ERR_LIMIT, "no memory for %zu expectations", ceiling);
    if (!bus_inbox_name(inbox->name, err))
        return false;
    snprintf(subject, sizeof subject, "%s.*", inbox->name);
    return bus_listener_start(&inbox->listener, inbox->bus->control, subject, NULL, 0, on_answer, inbox, err);
}

bool bus_inbox_open(struct bus_inbox **out_inbox, struct bus *bus, size_t ceiling, struct err *err)
{
    AUTO(bus_inbox) inbox = calloc(1, sizeof *inbox);
    if (!inbox)
        return err_set(err, ERR_LIMIT, "no memory for an inbox");
    inbox->bus = bus;
    pthread_mutex_init(&inbox->lock, NULL);
    if (!start(inbox, ceiling, err))
        return false;
    *out_inbox = TAKE(inbox);
    return true;
}

void bus_inbox_close(struct bus_inbox *inbox)
{
    if (!inbox)
        return;
    bus_listener_stop(&inbox->listener);
    bus_tickets_done(&inbox->tickets);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

bool bus_inbox_expect(struct bus_expectation **out_expectation, struct bus_inbox *inbox, struct err *err)
{
    struct bus_expectation *expectation = calloc(1, sizeof *expectation);
    if (!expectation)
        return err_set(err, ERR_LIMIT, "no memory for an expectation");
    expectation->inbox = inbox;
    condition_init(&expectation->came);
    pthread_mutex_lock(&inbox->lock);
    bool has_place = bus_ticket_issue(&inbox->tickets, expectation, &expectation->ticket);
    pthread_mutex_unlock(&inbox->lock);
    if (!has_place) {
        pthread_cond_destroy(&expectation->came);
        free(expectation);
        return err_set(err, ERR_LIMIT, "%zu answers are awaited already", inbox->tickets.ceiling);
    }
    bus_ticket_format(expectation->subject, sizeof expectation->subject, inbox->name, expectation->ticket);
    *out_expectation = expectation;
    return true;
}

const char *bus_expectation_subject(const struct bus_expectation *expectation)
{
    return expectation->subject;
}

bool bus_expectation_wait(
    struct bus_expectation *expectation, int64_t timeout_ms, struct bus_message **out_message, struct err *err)
{
    bool has_time = true;
    int64_t end_us = clock_end_us(timeout_ms);
    pthread_mutex_lock(&expectation->inbox->lock);
    while (!expectation->message && has_time)
        has_time = condition_wait_until(&expectation->came, &expectation->inbox->lock, end_us);
    natsMsg *message = TAKE(expectation->message);
    pthread_mutex_unlock(&expectation->inbox->lock);
    if (!message)
        return err_set(err, ERR_DEADLINE, "no answer within %" PRId64 " ms", timeout_ms);
    *out_message = bus_message_from(message);
    return true;
}

void bus_expectation_close(struct bus_expectation *expectation)
{
    if (!expectation)
        return;
    pthread_mutex_lock(&expectation->inbox->lock);
    bus_ticket_return(&expectation->inbox->tickets, expectation->ticket);
    pthread_mutex_unlock(&expectation->inbox->lock);
    natsMsg_Destroy(expectation->message);
    pthread_cond_destroy(&expectation->came);
    free(expectation);
}
