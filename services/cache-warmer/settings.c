#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct warmer_config, name)

const struct setting warmer_settings[] = {
    { "REDIS_ADDRESS", SETTING_TEXT, FIELD(redis_address), .required = true,
        .help = "host:port of the Redis that the gateways use" },
    { "REDIS_USER", SETTING_TEXT, FIELD(redis_user), .preset = "", .help = "user at Redis" },
    { "REDIS_PASSWORD", SETTING_SECRET, FIELD(redis_password), .help = "its password" },
    { "REDIS_MS", SETTING_MS, FIELD(redis_ms), .preset = "50", .min = 1, .max = 1000,
        .help = "longest wait for Redis; after three in a row it is left alone until it is well" },
    { "WARM_EVERY_MS", SETTING_MS, FIELD(every_ms), .preset = "240000", .min = 1000, .max = 86400000,
        .help = "how often everything is warmed; shorter than the classes entity and list are kept" },
    { "WARM_AFTER_MS", SETTING_MS, FIELD(after_ms), .preset = "2000", .min = 100, .max = 3600000,
        .help = "how long after a change, or the first of several, its tenant is warmed again" },
    { "WARM_CALLS_PER_SECOND", SETTING_COUNT, FIELD(calls_per_second), .preset = "100", .min = 1, .max = 100000,
        .help = "most questions a second to the owners, so that callers are not slowed" },
    { "WARM_MOST", SETTING_COUNT, FIELD(most), .preset = "20000", .min = 1, .max = 10000000,
        .help = "most things of a kind that are warmed of a tenant" },
    { "CALL_MS", SETTING_MS, FIELD(call_ms), .preset = "5000", .min = 100, .max = 60000,
        .help = "longest wait for an owner" },
    { 0 },
};
