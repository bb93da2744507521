/* Waiting with a deadline on the clock that never jumps. */
#pragma once
#include "base/compiler.h"
#include <pthread.h>

void condition_init(pthread_cond_t *condition);
/* As pthread_cond_wait, until end_us of clock_monotonic_us at the latest; false when it has passed. */
bool condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t end_us);
