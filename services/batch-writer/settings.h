/* What batch-writer can be told by its environment. */
#pragma once
#include "service/service.h"

struct batch_writer_config {
    struct service_config service;
    int64_t writers;
    int64_t max_rows;
    int64_t linger_ms;
    int64_t ack_wait_ms;
    int64_t max_ack_pending;
    int64_t partition_days;
    int64_t partitions_ahead;
    int64_t rollup_ms;
    int64_t rollup_marks;
    int64_t ledger_hours;
    int64_t keep_read_ms;
    int64_t keeper_ms;
    int64_t compact_after_ms;
};

extern const struct setting batch_writer_settings[];
