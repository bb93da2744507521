#include "bus/bus_hold.h"
#include "base/clock.h"
#include "base/condition.h"
#include "bus/bus_position.h"
#include <stdlib.h>
#include <string.h>

enum { BEATS_A_WAIT = 3, HUNG_MS = 600000, FIRST_CAPACITY = 64 };

/* In the order they came; dropped ones leave a hole until all before them are dropped, which is soon: they are settled
 * about as they came. */
struct queue {
    natsMsg **items;
    size_t first, end, capacity;
};

struct bus_hold {
    struct bus *bus;
    natsSubscription *subscription;
    int64_t beat_ms;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    struct queue waiting; /* taken out of the subscription by the thread, for the owner to take */
    struct queue taken;
    int64_t alive_us, taken_us; /* of the owner: last sign of life; since when something is in its hands */
    bool is_taking;             /* the owner waits at the subscription itself */
    bool is_stopping, has_thread;
    pthread_t thread;
};

/* ---- a queue with holes ---- */
static void tidy(struct queue *queue)
{
    while (queue->first < queue->end && !queue->items[queue->first])
        queue->first++;
    if (queue->first == queue->end)
        queue->first = queue->end = 0;
}

static bool make_place(struct queue *queue)
{
    if (queue->end < queue->capacity)
        return true;
    if (queue->first > 0) {
        memmove(queue->items, queue->items + queue->first, (queue->end - queue->first) * sizeof(natsMsg *));
        queue->end -= queue->first;
        queue->first = 0;
        if (queue->end < queue->capacity / 2)
            return true;
    }
    size_t capacity = queue->capacity > 0 ? queue->capacity * 2 : FIRST_CAPACITY;
    natsMsg **items = reallocarray(queue->items, capacity, sizeof(natsMsg *));
    if (!items)
        return queue->end < queue->capacity;
    queue->items = items;
    queue->capacity = capacity;
    return true;
}

/* ---- the owner's side ---- */
static void take(struct bus_hold *hold, natsMsg *message)
{
    if (hold->taken.first == hold->taken.end)
        hold->taken_us = clock_monotonic_us();
    /* Without memory it is not kept from others: it may come twice, which consumers stand. */
    if (bus_reply_is_ack(natsMsg_GetReply(message)) && make_place(&hold->taken))
        hold->taken.items[hold->taken.end++] = message;
}

natsStatus bus_hold_next(struct bus_hold *hold, natsMsg **out_message, int64_t wait_ms)
{
    natsStatus status = NATS_OK;
    *out_message = NULL;
    pthread_mutex_lock(&hold->lock);
    hold->alive_us = clock_monotonic_us();
    if (hold->waiting.first < hold->waiting.end) {
        *out_message = hold->waiting.items[hold->waiting.first++];
        tidy(&hold->waiting);
    } else {
        hold->is_taking = true;
        pthread_mutex_unlock(&hold->lock);
        status = natsSubscription_NextMsg(out_message, hold->subscription, wait_ms);
        pthread_mutex_lock(&hold->lock);
        hold->is_taking = false;
    }
    if (status == NATS_OK)
        take(hold, *out_message);
    pthread_mutex_unlock(&hold->lock);
    return status;
}

void bus_hold_drop(struct bus_hold *hold, const natsMsg *message)
{
    pthread_mutex_lock(&hold->lock);
    struct queue *taken = &hold->taken;
    for (size_t i = taken->first; i < taken->end; i++)
        if (taken->items[i] == message) {
            taken->items[i] = NULL;
            break;
        }
    tidy(taken);
    hold->alive_us = clock_monotonic_us();
    pthread_mutex_unlock(&hold->lock);
}

void bus_hold_renew(struct bus_hold *hold)
{
    pthread_mutex_lock(&hold->lock);
    hold->alive_us = clock_monotonic_us();
    pthread_mutex_unlock(&hold->lock);
}

/* ---- the thread's side ---- */

/* What has arrived waits here instead, where its acknowledgement subjects can be read. The owner is busy elsewhere. */
static void collect(struct bus_hold *hold)
{
    natsMsg *message = NULL;
    while (!hold->is_taking && make_place(&hold->waiting) &&
           natsSubscription_NextMsg(&message, hold->subscription, 0) == NATS_OK)
        hold->waiting.items[hold->waiting.end++] = message;
}

static void renew_all(struct bus_hold *hold, const struct queue *queue)
{
    struct err ignored = { 0 };
    for (size_t i = queue->first; i < queue->end; i++)
        if (queue->items[i] && bus_reply_is_ack(natsMsg_GetReply(queue->items[i])) &&
            !bus_message_in_progress(hold->bus, bus_message_from(queue->items[i]), &ignored))
            return; /* the connection is away: the next beat tries again */
}

static void beat(struct bus_hold *hold)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us - hold->alive_us > HUNG_MS * INT64_C(1000))
        return;
    collect(hold);
    renew_all(hold, &hold->waiting);
    if (now_us - hold->taken_us > hold->beat_ms * 1000 / 2)
        renew_all(hold, &hold->taken);
}

static void *run(void *context)
{
    struct bus_hold *hold = context;
    pthread_mutex_lock(&hold->lock);
    while (!hold->is_stopping) {
        int64_t end_us = clock_end_us(hold->beat_ms);
        while (!hold->is_stopping && condition_wait_until(&hold->stop, &hold->lock, end_us))
            ;
        if (!hold->is_stopping)
            beat(hold);
    }
    pthread_mutex_unlock(&hold->lock);
    return NULL;
}

/* ---- life ---- */
bool bus_hold_open(
    struct bus_hold **out_hold, struct bus *bus, natsSubscription *subscription, int64_t ack_wait_ms, struct err *err)
{
    struct bus_hold *hold = calloc(1, sizeof *hold);
    if (!hold)
        return err_set(err, ERR_LIMIT, "no memory to hold messages");
    hold->bus = bus;
    hold->subscription = subscription;
    hold->beat_ms = ack_wait_ms / BEATS_A_WAIT > 0 ? ack_wait_ms / BEATS_A_WAIT : 1;
    hold->alive_us = clock_monotonic_us();
    pthread_mutex_init(&hold->lock, NULL);
    condition_init(&hold->stop);
    hold->has_thread = pthread_create(&hold->thread, NULL, run, hold) == 0;
    if (!hold->has_thread) {
        bus_hold_close(hold);
        return err_set(err, ERR_LIMIT, "no thread to hold messages");
    }
    *out_hold = hold;
    return true;
}

void bus_hold_stop(struct bus_hold *hold)
{
    if (!hold || !hold->has_thread)
        return;
    pthread_mutex_lock(&hold->lock);
    hold->is_stopping = true;
    pthread_cond_signal(&hold->stop);
    pthread_mutex_unlock(&hold->lock);
    pthread_join(hold->thread, NULL);
    hold->has_thread = false;
}

void bus_hold_close(struct bus_hold *hold)
{
    if (!hold)
        return;
    bus_hold_stop(hold);
    for (size_t i = hold->waiting.first; i < hold->waiting.end; i++)
        natsMsg_Destroy(hold->waiting.items[i]);
    free(hold->waiting.items);
    free(hold->taken.items);
    pthread_cond_destroy(&hold->stop);
    pthread_mutex_destroy(&hold->lock);
    free(hold);
}
