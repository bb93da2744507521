#include "ack_queue.h"
#include <stdlib.h>

void ack_queue_init(struct ack_queue *queue)
{
    *queue = (struct ack_queue){ .capacity = ACK_QUEUE_OWN };
}

void ack_queue_done(struct ack_queue *queue)
{
    free(queue->grown);
    ack_queue_init(queue);
}

static struct ack *at(const struct ack_queue *queue, uint32_t index)
{
    const struct ack *items = queue->grown ? queue->grown : queue->own;
    return (struct ack *)(uintptr_t)&items[(queue->first + index) & (queue->capacity - 1)];
}

uint64_t ack_queue_next(const struct ack_queue *queue)
{
    return queue->first_number + queue->count;
}

bool ack_queue_reserve(struct ack_queue *queue)
{
    if (queue->count < queue->capacity)
        return true;
    struct ack *grown = calloc(2 * (size_t)queue->capacity, sizeof *grown);
    if (!grown)
        return false;
    for (uint32_t i = 0; i < queue->count; i++)
        grown[i] = *at(queue, i);
    free(queue->grown);
    queue->grown = grown;
    queue->capacity *= 2;
    queue->first = 0;
    return true;
}

void ack_queue_put(struct ack_queue *queue, uint16_t packet_id)
{
    *at(queue, queue->count++) = (struct ack){ .packet_id = packet_id };
}

void ack_queue_settle(struct ack_queue *queue, uint64_t number, uint8_t reason)
{
    if (number < queue->first_number || number - queue->first_number >= queue->count)
        return;
    struct ack *ack = at(queue, (uint32_t)(number - queue->first_number));
    ack->reason = reason;
    ack->is_settled = true;
}

bool ack_queue_take(struct ack_queue *queue, struct ack *out_ack)
{
    if (queue->count == 0 || !at(queue, 0)->is_settled)
        return false;
    *out_ack = *at(queue, 0);
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->first_number++;
    queue->count--;
    if (queue->count == 0 && queue->grown) { /* an idle connection holds nothing */
        uint64_t number = queue->first_number;
        ack_queue_done(queue);
        queue->first_number = number;
    }
    return true;
}
