/* The two clocks: what time it is (UTC, may jump) and how long something took (never jumps). */
#pragma once
#include "base/compiler.h"

/* Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted. */
int64_t clock_now_us(void);
/* Microseconds since some fixed point; for durations and deadlines in this process only. */
int64_t clock_monotonic_us(void);
/* Of the second: now and wait_ms more (none if negative), without overflow. */
int64_t clock_end_us(int64_t wait_ms);
void clock_sleep_ms(int64_t ms);
