/* The QoS 1 messages of one connection that are not acknowledged yet, in the order in which they came: acknowledged in
 * this order too, whichever is stored first (section 4.6 of the standard). Without memory of its own while few. */
#pragma once
#include "base/compiler.h"

struct ack {
    uint16_t packet_id;
    uint8_t reason;
    bool is_settled;
};
enum { ACK_QUEUE_OWN = 4 };
struct ack_queue {
    struct ack own[ACK_QUEUE_OWN];
    struct ack *grown; /* NULL: own is used; a power of two */
    uint32_t capacity, first, count;
    uint64_t first_number; /* of the oldest that is there */
};
void ack_queue_init(struct ack_queue *queue);
void ack_queue_done(struct ack_queue *queue);
/* The number that the next one put will have. */
uint64_t ack_queue_next(const struct ack_queue *queue);
/* Makes sure that the next put has room; false without memory. */
MUST_CHECK bool ack_queue_reserve(struct ack_queue *queue);
void ack_queue_put(struct ack_queue *queue, uint16_t packet_id);
/* Numbers that are not there any more are passed over. */
void ack_queue_settle(struct ack_queue *queue, uint64_t number, uint8_t reason);
/* The oldest, if it is settled: to be sent now. */
MUST_CHECK bool ack_queue_take(struct ack_queue *queue, struct ack *out_ack);
