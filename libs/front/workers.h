/* A few threads for what may wait: the registry, the stream's answer. Loops of connections must not. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct workers;
/* Embedded in what is to be done. run is called once, on one of the threads, with an arena of that thread; it owns the
 * job then. */
struct job {
    void (*run)(struct job *job, struct arena *arena);
};
/* name: of the threads and in the metric, at most 15 characters. */
MUST_CHECK bool workers_open(struct workers **out_workers, const char *name, size_t threads, size_t most_waiting,
    size_t arena_bytes, struct err *err);
/* Takes no more; what waits is still done. NULL is fine. */
void workers_stop(struct workers *workers);
void workers_close(struct workers *workers);
/* False when too many wait: the job stays the caller's. */
MUST_CHECK bool workers_do(struct workers *workers, struct job *job);
