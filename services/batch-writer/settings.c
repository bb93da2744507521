#include "settings.h"

#define FIELD(field) SETTING_FIELD(struct batch_writer_config, field)

const struct setting batch_writer_settings[] = {
    { "WRITERS", SETTING_COUNT, FIELD(writers), .preset = "2", .min = 1, .max = 32,
        .help = "threads that store readings, each with a database session" },
    { "MAX_ROWS", SETTING_COUNT, FIELD(max_rows), .preset = "20000", .min = 1, .max = 1000000,
        .help = "readings of a transaction; one message may exceed it" },
    { "LINGER_MS", SETTING_MS, FIELD(linger_ms), .preset = "5", .min = 0, .max = 1000,
        .help = "wait for more messages before storing few" },
    { "ACK_WAIT_MS", SETTING_MS, FIELD(ack_wait_ms), .preset = "2000", .min = 300, .max = 600000,
        .help = "after so long without a word from whoever took it a message comes again" },
    { "MAX_ACK_PENDING", SETTING_COUNT, FIELD(max_ack_pending), .preset = "20000", .min = 1, .max = 1000000,
        .help = "messages handed out and not yet acknowledged, over all replicas" },
    { "PARTITION_DAYS", SETTING_COUNT, FIELD(partition_days), .preset = "7", .min = 1, .max = 366,
        .help = "width of a new partition of readings" },
    { "PARTITIONS_AHEAD", SETTING_COUNT, FIELD(partitions_ahead), .preset = "2", .min = 0, .max = 100,
        .help = "partitions made before they are needed" },
    { "ROLLUP_MS", SETTING_MS, FIELD(rollup_ms), .preset = "2000", .min = 10, .max = 3600000,
        .help = "how often hours and days are brought up to date" },
    { "ROLLUP_MARKS", SETTING_COUNT, FIELD(rollup_marks), .preset = "500000", .min = 1000, .max = 2000000,
        .help = "marks of touched hours taken in one round" },
    { "LEDGER_HOURS", SETTING_COUNT, FIELD(ledger_hours), .preset = "24", .min = 1, .max = 8760,
        .help = "how long committed messages are remembered; longer than any redelivery takes" },
    { "KEEP_READ_MS", SETTING_MS, FIELD(keep_read_ms), .preset = "21600000", .min = 0, .max = INT64_C(31622400000),
        .help = "how long readings that all have read stay in READINGS for a replay, while it is less than half full" },
    { "KEEPER_MS", SETTING_MS, FIELD(keeper_ms), .preset = "2000", .min = 10, .max = 3600000,
        .help = "how often room is made in READINGS" },
    { "COMPACT_AFTER_MS", SETTING_MS, FIELD(compact_after_ms), .preset = "3600000", .min = 0,
        .max = INT64_C(31622400000),
        .help = "a partition that has not grown for so long has a loose index rebuilt; 0: never" },
    { 0 },
};
