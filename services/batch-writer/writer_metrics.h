/* What batch-writer tells Prometheus. Made once, before the threads. */
#pragma once
#include "metrics/metrics.h"

struct writer_metrics {
    struct metric *stored, *duplicate, *dead, *recognised;
    struct metric *commits, *careful_commits, *failed_commits;
    struct metric *commit_seconds, *age_seconds, *commit_rows;
    struct metric *pending, *unacknowledged, *redelivered;
    struct metric *rollup_waiting, *rollup_seconds, *partitions_made, *partitions_compacted, *gaps_told;
};
void writer_metrics_init(struct writer_metrics *metrics);
