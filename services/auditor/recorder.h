/* One thread that takes messages from AUDIT, appends them to their chains and acknowledges after the commit. Any number
 * of them, here and in other replicas, share the durable consumer; a chain has one writer at a time. */
#pragma once
#include "auditor_metrics.h"
#include "settings.h"
#include <stdatomic.h>

/* What the threads of a process share; outlives them. */
struct recorder_shared {
    const struct auditor_config *config;
    struct bus *bus;
    struct store *store;
    struct auditor_metrics *metrics;
    atomic_bool is_stopping;
};

struct recorder;
/* Starts the thread. */
MUST_CHECK bool recorder_start(struct recorder **out_recorder, struct recorder_shared *shared, struct err *err);
/* Waits for its end, which is_stopping asks for: what it holds is finished, or given back. NULL is fine. */
void recorder_join(struct recorder *recorder);
