/* One thread that takes messages from READINGS, stores them, answers and acknowledges. Any number of them, here and in
 * other replicas, share the durable consumer. */
#pragma once
#include "group_store.h"
#include "settings.h"
#include "writer_metrics.h"
#include <stdatomic.h>

/* The durable consumer of READINGS that all replicas share. */
#define WRITER_DURABLE "batch-writer"

/* What the threads of a process share; outlives them. */
struct writer_shared {
    const struct batch_writer_config *config;
    struct bus *bus;
    struct store *store;
    struct writer_metrics metrics;
    atomic_bool is_stopping;
    atomic_llong unacknowledged;
    atomic_llong stream_epoch,
        stored_to;        /* every message up to that one of this stream is stored, or dead; 0: not known */
    atomic_llong full_at; /* monotonic time of the last group that was full: there is a backlog */
};

struct writer;
/* Starts the thread. */
MUST_CHECK bool writer_start(struct writer **out_writer, struct writer_shared *shared, struct err *err);
/* Waits for its end, which is_stopping asks for: what it holds is finished, or given back if the database is away. NULL
 * is fine. */
void writer_join(struct writer *writer);
