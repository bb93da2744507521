/* How often the owners are asked: evenly, never faster, by all threads together. */
#pragma once
#include <pthread.h>
#include <stdint.h>

struct pace {
    int64_t gap_us;
    pthread_mutex_t lock; /* guards next_us */
    int64_t next_us;      /* monotonic */
};
void pace_init(struct pace *pace, int64_t per_second);
void pace_done(struct pace *pace);
/* How long to wait now, in microseconds, before the next question; the turn is taken with it. */
int64_t pace_take(struct pace *pace, int64_t now_us);
/* How many questions fit into the time. */
int64_t pace_fits(const struct pace *pace, int64_t ms);
