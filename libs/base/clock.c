#include "base/clock.h"
#include <errno.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_end_us(int64_t wait_ms)
{
    const int64_t longest_ms = (int64_t)365 * 24 * 3600 * 1000;
    int64_t now_us = clock_monotonic_us();
    if (wait_ms <= 0)
        return now_us;
    return now_us + (wait_ms < longest_ms ? wait_ms : longest_ms) * 1000;
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec rest = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        ;
}
