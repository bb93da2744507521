#include "bus/bus_gather.h"
#include "base/clock.h"
#include "bus/bus_internal.h"
#include <stdlib.h>

enum { MOST_PENDING_BYTES = 64 * 1024 * 1024 };

/* A subscription of its own, which the thread that asks reads by itself: no callback has to know of it. */
static bool ask(struct bus *bus, const struct bus_outgoing *question, size_t most, natsSubscription **out_subscription,
    struct err *err)
{
    char inbox[BUS_INBOX_SIZE];
    natsMsg *message = NULL;
    natsSubscription *subscription = NULL;
    if (!bus_check_connected(bus->control, question->subject, err) || !bus_inbox_name(inbox, err) ||
        !bus_outgoing_build(&message, question, inbox, NULL, err))
        return false;
    natsStatus status = natsConnection_SubscribeSync(&subscription, bus->control, inbox);
    if (status == NATS_OK)
        status = natsSubscription_SetPendingLimits(subscription, (int)most + 1, MOST_PENDING_BYTES);
    if (status == NATS_OK)
        status = natsConnection_PublishMsg(bus->control, message);
    natsMsg_Destroy(message);
    if (status != NATS_OK) {
        natsSubscription_Destroy(subscription);
        return bus_fail(err, status, "asking", question->subject);
    }
    *out_subscription = subscription;
    return true;
}

static int64_t wait_of(const struct bus_gather_limits *limits, int64_t end_us, size_t count)
{
    int64_t left_ms = (end_us - clock_monotonic_us()) / 1000;
    return count > 0 && limits->quiet_ms > 0 && limits->quiet_ms < left_ms ? limits->quiet_ms : left_ms;
}

/* One at a time; the server itself says when nobody listens. */
static bool collect(natsSubscription *subscription, const char *subject, const struct bus_gather_limits *limits,
    struct bus_answers *answers, struct err *err)
{
    int64_t end_us = clock_monotonic_us() + limits->timeout_ms * 1000;
    for (;;) {
        natsMsg *message = NULL;
        int64_t wait_ms = wait_of(limits, end_us, answers->count);
        natsStatus status = wait_ms > 0 ? natsSubscription_NextMsg(&message, subscription, wait_ms) : NATS_TIMEOUT;
        if (status == NATS_TIMEOUT || status == NATS_NO_RESPONDERS)
            return true;
        if (status != NATS_OK && status != NATS_SLOW_CONSUMER)
            return bus_fail(err, status, "gathering answers of", subject);
        if (!message)
            continue;
        if (answers->count == limits->most) {
            answers->is_cut = true;
            natsMsg_Destroy(message);
            return true;
        }
        answers->messages[answers->count++] = bus_message_from(message);
    }
}

bool bus_gather(struct bus *bus, const struct bus_outgoing *question, const struct bus_gather_limits *limits,
    struct bus_answers *out_answers, struct err *err)
{
    natsSubscription *subscription = NULL;
    struct bus_answers answers = { 0 };
    if (limits->timeout_ms <= 0)
        return err_set(err, ERR_DEADLINE, "asking %s: no time was left", question->subject);
    answers.messages = calloc(limits->most + 1, sizeof *answers.messages);
    if (!answers.messages)
        return err_set(err, ERR_LIMIT, "no memory for the answers");
    bool ok = ask(bus, question, limits->most, &subscription, err) &&
              collect(subscription, question->subject, limits, &answers, err);
    natsSubscription_Destroy(subscription);
    if (!ok) {
        bus_answers_done(&answers);
        return false;
    }
    *out_answers = answers;
    return true;
}

void bus_answers_done(struct bus_answers *answers)
{
    for (size_t i = 0; i < answers->count; i++)
        bus_message_close(answers->messages[i]);
    free(answers->messages);
    *answers = (struct bus_answers){ 0 };
}
