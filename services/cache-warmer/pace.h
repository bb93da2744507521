/* How often the owners are asked: evenly, never faster. One thread at a time. */
#pragma once
#include <stdint.h>

struct pace {
    int64_t gap_us, next_us; /* monotonic */
};
static inline struct pace pace_of(int64_t per_second)
{
    return (struct pace){ .gap_us = 1000000 / (per_second > 0 ? per_second : 1) };
}
/* How long to wait now, in microseconds, before the next question; the turn is taken with it. */
int64_t pace_take(struct pace *pace, int64_t now_us);
