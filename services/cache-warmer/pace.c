#include "pace.h"

int64_t pace_take(struct pace *pace, int64_t now_us)
{
    if (pace->next_us < now_us)
        pace->next_us = now_us; /* time that nobody used is not made up for */
    int64_t wait_us = pace->next_us - now_us;
    pace->next_us += pace->gap_us;
    return wait_us;
}
