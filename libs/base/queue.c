#include "base/queue.h"
#include "base/clock.h"
#include "base/condition.h"
#include <stdlib.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t has_item;
    pthread_cond_t has_place;
    bool is_closed;
    size_t ceiling;
    size_t first;
    size_t count;
    void *items[];
};

struct queue *queue_new(size_t ceiling)
{
    size_t size;
    if (ceiling == 0 || __builtin_mul_overflow(ceiling, sizeof(void *), &size) ||
        __builtin_add_overflow(size, sizeof(struct queue), &size))
        return NULL;
    struct queue *queue = calloc(1, size);
    if (!queue)
        return NULL;
    queue->ceiling = ceiling;
    pthread_mutex_init(&queue->lock, NULL);
    condition_init(&queue->has_item);
    condition_init(&queue->has_place);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    pthread_cond_destroy(&queue->has_item);
    pthread_cond_destroy(&queue->has_place);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* False when the time is over. */
static bool wait_for(struct queue *queue, pthread_cond_t *condition, int64_t wait_ms, int64_t end_us)
{
    if (wait_ms == 0)
        return false;
    if (wait_ms < 0)
        return pthread_cond_wait(condition, &queue->lock) == 0;
    return condition_wait_until(condition, &queue->lock, end_us);
}

bool queue_push(struct queue *queue, void *item, int64_t wait_ms)
{
    int64_t end_us = clock_end_us(wait_ms);
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->ceiling && !queue->is_closed)
        if (!wait_for(queue, &queue->has_place, wait_ms, end_us))
            break;
    bool ok = queue->count < queue->ceiling && !queue->is_closed;
    if (ok) {
        queue->items[(queue->first + queue->count) % queue->ceiling] = item;
        queue->count++;
        pthread_cond_signal(&queue->has_item);
    }
    pthread_mutex_unlock(&queue->lock);
    return ok;
}

void *queue_pop(struct queue *queue, int64_t wait_ms)
{
    int64_t end_us = clock_end_us(wait_ms);
    void *item = NULL;
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && !queue->is_closed)
        if (!wait_for(queue, &queue->has_item, wait_ms, end_us))
            break;
    if (queue->count > 0) {
        item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->ceiling;
        queue->count--;
        pthread_cond_signal(&queue->has_place);
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->has_item);
    pthread_cond_broadcast(&queue->has_place);
    pthread_mutex_unlock(&queue->lock);
}

size_t queue_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}
