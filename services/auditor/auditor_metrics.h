/* What auditor counts; made once, before its threads. */
#pragma once
#include "metrics/metrics.h"

struct auditor_metrics {
    struct metric *stored, *duplicate, *dead, *commits, *failed_commits;
    struct metric *pending; /* messages behind the last one taken */
    struct metric *commit_seconds, *age_seconds;
    struct metric *heads_signed, *broken_chains; /* chains that contradict their last head, at the last round */
    struct metric *cut_chains;
    struct metric *verified, *problems;
};

void auditor_metrics_init(struct auditor_metrics *metrics);
