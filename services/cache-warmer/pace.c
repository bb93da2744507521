#include "pace.h"

void pace_init(struct pace *pace, int64_t per_second)
{
    pace->gap_us = 1000000 / (per_second > 0 ? per_second : 1);
    pace->next_us = 0;
    pthread_mutex_init(&pace->lock, NULL);
}

void pace_done(struct pace *pace)
{
    pthread_mutex_destroy(&pace->lock);
}

int64_t pace_take(struct pace *pace, int64_t now_us)
{
    pthread_mutex_lock(&pace->lock);
    if (pace->next_us < now_us)
        pace->next_us = now_us; /* time that nobody used is not made up for */
    int64_t wait_us = pace->next_us - now_us;
    pace->next_us += pace->gap_us;
    pthread_mutex_unlock(&pace->lock);
    return wait_us;
}

int64_t pace_fits(const struct pace *pace, int64_t ms)
{
    return ms * 1000 / pace->gap_us;
}
