#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct auditor_config, name)

const struct setting auditor_settings[] = {
    { "MASTER_KEY", SETTING_SECRET, FIELD(master_key), .required = true,
        .help = "64 hexadecimal digits that wrap the signing keys in the database (openssl rand -hex 32)" },
    { "RECORDERS", SETTING_COUNT, FIELD(recorders), .preset = "1", .min = 1, .max = 16,
        .help = "threads that store records, each with a database session" },
    { "BATCH_RECORDS", SETTING_COUNT, FIELD(batch_records), .preset = "500", .min = 1, .max = 1000,
        .help = "most records of a transaction" },
    { "LINGER_MS", SETTING_MS, FIELD(linger_ms), .preset = "10", .min = 0, .max = 1000,
        .help = "wait for more records before storing few" },
    { "ACK_WAIT_MS", SETTING_MS, FIELD(ack_wait_ms), .preset = "10000", .min = 1000, .max = 600000,
        .help = "after this a record that is not acknowledged comes again" },
    { "MAX_DELIVERIES", SETTING_COUNT, FIELD(max_deliveries), .preset = "100", .min = 3, .max = 1000000,
        .help = "a record that came more often and was never stored goes to DEAD" },
    { "SEAL_MS", SETTING_MS, FIELD(seal_ms), .preset = "86400000", .min = 1000, .max = 604800000,
        .help = "how often the head of every chain is signed: at multiples of this since 1970, UTC" },
    { "KEY_ROTATION_MS", SETTING_MS, FIELD(key_rotation_ms), .preset = "31536000000", .min = 60000, .max = 315360000000,
        .help = "how long one key signs before a new one takes over" },
    { "VERIFY_RECORDS", SETTING_COUNT, FIELD(verify_records), .preset = "200000", .min = 100, .max = 1000000,
        .help = "records that one call verifies unless it says how many" },
    { "RPC_WORKERS", SETTING_COUNT, FIELD(workers), .preset = "4", .min = 1, .max = 256,
        .help = "calls handled at once; more than DATABASE_POOL wait for a connection" },
    { "RPC_QUEUE", SETTING_COUNT, FIELD(queue), .preset = "256", .min = 1, .max = 100000,
        .help = "calls that may wait; beyond it callers are refused at once" },
    { 0 },
};
