/* A bounded queue of pointers between threads. Any number of threads on either side. */
#pragma once
#include "base/compiler.h"

struct queue;

MUST_CHECK struct queue *queue_new(size_t ceiling);
/* The queue must be empty or its items owned elsewhere. */
void queue_free(struct queue *queue);
AUTO_DEFINE(queue, queue_free)
/* Waits up to wait_ms (0: not at all, -1: for ever) for a place; false if there was none or the queue is closed: the
 * item stays the caller's. */
MUST_CHECK bool queue_push(struct queue *queue, void *item, int64_t wait_ms);
/* The oldest item; NULL after wait_ms (-1: for ever) without one, or when the queue is closed and empty. */
MUST_CHECK void *queue_pop(struct queue *queue, int64_t wait_ms);
/* No more pushes; pops give what is left, then NULL. */
void queue_close(struct queue *queue);
size_t queue_count(struct queue *queue);
