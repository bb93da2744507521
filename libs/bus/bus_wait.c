#include "bus/bus_wait.h"
#include "base/clock.h"
#include <errno.h>
#include <time.h>

void bus_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool bus_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t end_us)
{
    struct timespec end = { .tv_sec = (time_t)(end_us / 1000000), .tv_nsec = (long)(end_us % 1000000) * 1000 };
    return pthread_cond_timedwait(condition, lock, &end) != ETIMEDOUT;
}

int64_t bus_end_us(int64_t wait_ms)
{
    const int64_t longest_ms = (int64_t)365 * 24 * 3600 * 1000;
    int64_t now_us = clock_monotonic_us();
    if (wait_ms <= 0)
        return now_us;
    return now_us + (wait_ms < longest_ms ? wait_ms : longest_ms) * 1000;
}
