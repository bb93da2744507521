#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct registry_config, name)

const struct setting registry_settings[] = {
    { "MASTER_KEY", SETTING_SECRET, FIELD(master_key),
        .help =
            "64 hexadecimal digits that wrap PSK and LoRaWAN keys in the database (openssl rand -hex 32); without it "
            "there are no such credentials" },
    { "RPC_WORKERS", SETTING_COUNT, FIELD(workers), .preset = "4", .min = 1, .max = 256,
        .help = "calls handled at once; more than DATABASE_POOL wait for a connection" },
    { "RPC_QUEUE", SETTING_COUNT, FIELD(queue), .preset = "256", .min = 1, .max = 100000,
        .help = "calls that may wait; beyond it callers are refused at once" },
    { "JOB_LEASE_MS", SETTING_COUNT, FIELD(job_lease_ms), .preset = "15000", .min = 1000, .max = 600000,
        .help = "how long a bulk job that nobody works on any more waits before another replica goes on with it" },
    { "REFUSALS_MOST", SETTING_COUNT, FIELD(refusals_most), .preset = "20000", .min = 1, .max = 10000000,
        .help = "rejections that are kept of a tenant: the newest, each of at most 64 KiB" },
    { "REFUSALS_DAYS", SETTING_COUNT, FIELD(refusals_days), .preset = "30", .min = 1, .max = 3660,
        .help = "how long rejections are kept" },
    { 0 },
};
