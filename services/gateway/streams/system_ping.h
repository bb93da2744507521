/* Asks every process of the system how it is, over the bus. However many callers ask at once, the processes are asked
 * once and not again before a moment has passed. */
#pragma once
#include "bus/bus_gather.h"
#include "nwims/v1/system.pb-c.h"
#include <pthread.h>

struct exchange;
struct system_ping {
    pthread_mutex_t lock; /* held while asking: the others wait for the answers */
    struct bus_answers answers;
    int64_t asked_us; /* monotonic; 0: never */
};
void system_ping_init(struct system_ping *ping);
void system_ping_done(struct system_ping *ping);

/* By name, host and process; in the exchange's arena. Answers the exchange itself when it gives false. */
MUST_CHECK bool system_ping_ask(struct exchange *exchange, Nwims__V1__ServiceState ***out_states, size_t *out_count);
