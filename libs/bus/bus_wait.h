/* Waiting with a deadline on the clock that never jumps. */
#pragma once
#include "base/compiler.h"
#include <pthread.h>

void bus_condition_init(pthread_cond_t *condition);
/* As pthread_cond_wait, until end_us of clock_monotonic_us at the latest; false when it has passed. */
bool bus_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t end_us);
/* Now and wait_ms more (none if negative), without overflow. */
int64_t bus_end_us(int64_t wait_ms);
