#include "service/service_internal.h"

#define FIELD(name) SETTING_FIELD(struct service_config, name)
#define OWNER_HELP "PostgreSQL, as the schema's owner: migrates at start; without it the schema must be up to date"

const struct setting service_common_settings[] = {
    { "LOG_LEVEL", SETTING_TEXT, FIELD(log_level), .preset = "info",
        .help = "debug, info, warn or error; SIGUSR1 switches to debug and back" },
    { "ADMIN_ADDRESS", SETTING_TEXT, FIELD(admin_address), .preset = "127.0.0.1:9090",
        .help = "where /livez, /readyz, /startupz, /metrics and /buildinfo are" },
    { "DRAIN_DELAY_MS", SETTING_MS, FIELD(drain_delay_ms), .preset = "5000", .min = 0, .max = 120000,
        .help = "how long to keep serving after SIGTERM, until nobody sends any more" },
    { "DRAIN_MS", SETTING_MS, FIELD(drain_ms), .preset = "20000", .min = 100, .max = 600000,
        .help = "how long finishing may take after that" },
    { "CONNECT_WAIT_MS", SETTING_MS, FIELD(connect_wait_ms), .preset = "60000", .min = 0, .max = 3600000,
        .help = "how long to wait at start for what we depend on" },
    { 0 },
};

const struct setting service_bus_settings[] = {
    { "NATS_URL", SETTING_TEXT, FIELD(bus_url), .preset = "nats://127.0.0.1:4222",
        .help = "message bus; several with commas" },
    { "NATS_USER", SETTING_TEXT, FIELD(bus_user), .preset = "", .help = "user at the message bus" },
    { "NATS_PASSWORD", SETTING_SECRET, FIELD(bus_password), .help = "its password" },
    { 0 },
};

const struct setting service_store_settings[] = {
    { "DATABASE_URL", SETTING_SECRET, FIELD(store_url), .required = true,
        .help = "PostgreSQL, as the role that works" },
    { "DATABASE_OWNER_URL", SETTING_SECRET, FIELD(store_owner_url), .help = OWNER_HELP },
    { "DATABASE_POOL", SETTING_COUNT, FIELD(store_pool), .preset = "4", .min = 1, .max = 100,
        .help = "most connections to PostgreSQL" },
    { "DATABASE_PREPARE", SETTING_FLAG, FIELD(store_prepare), .preset = "true",
        .help = "prepare statements; false behind pgbouncer in transaction mode" },
    { 0 },
};

const struct setting service_owner_settings[] = {
    { "DATABASE_OWNER_URL", SETTING_SECRET, FIELD(store_owner_url), .required = true, .help = OWNER_HELP },
    { 0 },
};
