/* Timers of one loop: a heap of what is due next. Moving a timer back, as every message of a live connection does,
 * costs nothing: its place in the heap is put right when the old time has come. Inside libs/net only. */
#pragma once
#include "base/compiler.h"

enum { NET_TIMER_OUT = UINT32_MAX };
struct net_timer {
    int64_t due_us;    /* INT64_MAX: not set */
    int64_t placed_us; /* what the heap goes by; never later than due_us while it is in */
    uint32_t place;    /* NET_TIMER_OUT: not in the heap */
    bool is_guard;     /* which of a connection's two it is */
};
struct net_timers {
    struct net_timer **heap;
    size_t count, capacity;
};
void net_timer_init(struct net_timer *timer, bool is_guard);
void net_timers_done(struct net_timers *timers);
/* Makes room for so many timers; net_timer_set never fails within it. */
MUST_CHECK bool net_timers_reserve(struct net_timers *timers, size_t count);
void net_timer_set(struct net_timers *timers, struct net_timer *timer, int64_t due_us);
void net_timer_clear(struct net_timer *timer);
/* Before the timer's memory goes. */
void net_timer_remove(struct net_timers *timers, struct net_timer *timer);
/* One that is due, taken out; NULL if none is. */
struct net_timer *net_timers_next(struct net_timers *timers, int64_t now_us);
/* When to look again; INT64_MAX: never. */
int64_t net_timers_due(const struct net_timers *timers);
