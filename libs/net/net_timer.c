#include "net/net_timer.h"
#include <stdlib.h>

void net_timer_init(struct net_timer *timer, bool is_guard)
{
    *timer =
        (struct net_timer){ .due_us = INT64_MAX, .placed_us = INT64_MAX, .place = NET_TIMER_OUT, .is_guard = is_guard };
}

void net_timers_done(struct net_timers *timers)
{
    free(timers->heap);
    *timers = (struct net_timers){ 0 };
}

bool net_timers_reserve(struct net_timers *timers, size_t count)
{
    size_t capacity = timers->capacity ? timers->capacity : 64;
    if (count <= timers->capacity)
        return true;
    while (capacity < count)
        capacity *= 2;
    struct net_timer **heap = reallocarray(timers->heap, capacity, sizeof *heap);
    if (!heap)
        return false;
    timers->heap = heap;
    timers->capacity = capacity;
    return true;
}

static void put(struct net_timers *timers, size_t place, struct net_timer *timer)
{
    timers->heap[place] = timer;
    timer->place = (uint32_t)place;
}

static void rise(struct net_timers *timers, size_t place)
{
    struct net_timer *timer = timers->heap[place];
    while (place > 0 && timers->heap[(place - 1) / 2]->placed_us > timer->placed_us) {
        put(timers, place, timers->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(timers, place, timer);
}

static void sink(struct net_timers *timers, size_t place)
{
    struct net_timer *timer = timers->heap[place];
    for (size_t child; (child = 2 * place + 1) < timers->count; place = child) {
        if (child + 1 < timers->count && timers->heap[child + 1]->placed_us < timers->heap[child]->placed_us)
            child++;
        if (timers->heap[child]->placed_us >= timer->placed_us)
            break;
        put(timers, place, timers->heap[child]);
    }
    put(timers, place, timer);
}

void net_timer_set(struct net_timers *timers, struct net_timer *timer, int64_t due_us)
{
    timer->due_us = due_us;
    if (timer->place == NET_TIMER_OUT) {
        timer->placed_us = due_us;
        put(timers, timers->count++, timer);
        rise(timers, timer->place);
    } else if (due_us < timer->placed_us) {
        timer->placed_us = due_us;
        rise(timers, timer->place);
    }
}

void net_timer_clear(struct net_timer *timer)
{
    timer->due_us = INT64_MAX;
}

void net_timer_remove(struct net_timers *timers, struct net_timer *timer)
{
    size_t place = timer->place;
    if (place == NET_TIMER_OUT)
        return;
    struct net_timer *last = timers->heap[--timers->count];
    timer->place = NET_TIMER_OUT;
    if (last == timer)
        return;
    put(timers, place, last);
    rise(timers, place);
    sink(timers, last->place);
}

struct net_timer *net_timers_next(struct net_timers *timers, int64_t now_us)
{
    while (timers->count > 0 && timers->heap[0]->placed_us <= now_us) {
        struct net_timer *timer = timers->heap[0];
        if (timer->due_us <= now_us) {
            net_timer_remove(timers, timer);
            net_timer_clear(timer);
            return timer;
        }
        if (timer->due_us == INT64_MAX) {
            net_timer_remove(timers, timer);
        } else {
            timer->placed_us = timer->due_us;
            sink(timers, 0);
        }
    }
    return NULL;
}

int64_t net_timers_due(const struct net_timers *timers)
{
    return timers->count > 0 ? timers->heap[0]->placed_us : INT64_MAX;
}
