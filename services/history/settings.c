#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct history_config, name)

const struct setting history_settings[] = {
    { "RPC_WORKERS", SETTING_COUNT, FIELD(workers), .preset = "4", .min = 1, .max = 64,
        .help = "calls answered at once; DATABASE_POOL should be as many" },
    { "RPC_QUEUE", SETTING_COUNT, FIELD(queue), .preset = "256", .min = 1, .max = 100000,
        .help = "most calls waiting; beyond it callers are told to come later" },
    { "DIRECTORY_SENSORS", SETTING_COUNT, FIELD(directory_sensors), .preset = "200000", .min = 1000,
        .help = "most sensors kept in memory" },
    { 0 },
};
