#include "compactor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rounds.h"
#include "compaction.h"
#include <stdlib.h>

enum { MOST_PAUSE_MS = 60000, LOOKS_IN_QUIET = 4, POOL_WAIT_MS = 5000 };

struct compactor {
    struct writer_shared *shared;
    atomic_int backend; /* of PostgreSQL, at work for us */
    struct rounds *rounds;
};

/* Said before the rebuild is cut short, so that no other begins. */
static bool is_stopping(const struct compactor *compactor)
{
    return atomic_load_explicit(&compactor->shared->is_stopping, memory_order_relaxed);
}

/* Connected only while it looks: sessions are dear, and an index may take longer than any statement of the others. */
static bool look(struct compactor *compactor, struct compaction_report *report, struct err *err)
{
    const struct batch_writer_config *config = compactor->shared->config;
    const struct store_config apart = { .url = config->service.store_url,
        .schema = "telemetry",
        .name = "batch-writer compactor",
        .pool_size = 1,
        .wait_ms = POOL_WAIT_MS };
    AUTO(store) store = NULL;
    return store_open(&store, &apart, err) &&
           compaction_run(store, config->compact_after_ms, &compactor->backend, report, err);
}

/* Whether there may be more to do at once. */
static bool run_round(struct compactor *compactor)
{
    struct err err = { 0 };
    struct compaction_report report;
    int64_t began_us = clock_monotonic_us();
    if (!look(compactor, &report, &err)) {
        if (!is_stopping(compactor))
            log_warn(NULL, "partition.not_compacted", LOG_ERR(&err));
        return false;
    }
    if (report.partition[0] == '\0')
        return false;
    metric_add(compactor->shared->metrics.partitions_compacted, 1);
    log_info(NULL, "partition.compacted", LOG_TEXT("partition", report.partition),
        LOG_COUNT("index_bytes_before", report.bytes_before), LOG_COUNT("index_bytes", report.bytes_after),
        LOG_COUNT("took_ms", (clock_monotonic_us() - began_us) / 1000));
    return true;
}

static int64_t run(void *context)
{
    struct compactor *compactor = context;
    int64_t pause_ms = compactor->shared->config->compact_after_ms / LOOKS_IN_QUIET;
    if (!is_stopping(compactor) && run_round(compactor))
        return 0;
    return pause_ms < MOST_PAUSE_MS ? pause_ms : MOST_PAUSE_MS;
}

bool compactor_start(struct compactor **out_compactor, struct writer_shared *shared, struct err *err)
{
    if (shared->config->compact_after_ms == 0)
        return true;
    struct compactor *compactor = calloc(1, sizeof *compactor);
    if (!compactor)
        return err_set(err, ERR_TRANSIENT, "no memory for the compactor");
    compactor->shared = shared;
    const struct rounds_config config = { .what = "the compactor", .run = run, .context = compactor };
    if (!rounds_start(&compactor->rounds, &config, err)) {
        free(compactor);
        return false;
    }
    *out_compactor = compactor;
    return true;
}

void compactor_stop(struct compactor *compactor)
{
    if (!compactor)
        return;
    compaction_cancel(compactor->shared->store, &compactor->backend);
    rounds_stop(compactor->rounds);
    free(compactor);
}
