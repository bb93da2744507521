#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct identity_config, name)

const struct setting identity_settings[] = {
    { "MASTER_KEY", SETTING_SECRET, FIELD(master_key), .required = true,
        .help = "64 hexadecimal digits that wrap the signing keys in the database (openssl rand -hex 32)" },
    { "ADMIN_EMAIL", SETTING_TEXT, FIELD(admin_email), .preset = "admin@nwims.local",
        .help = "address of the first national administrator" },
    { "ADMIN_PASSWORD", SETTING_SECRET, FIELD(admin_password),
        .help =
            "password of the first national administrator, at least 12 characters; read only while there is no user" },
    { "ACCESS_TOKEN_MS", SETTING_MS, FIELD(access_token_ms), .preset = "900000", .min = 60000, .max = 3600000,
        .help = "how long an access token is good" },
    { "REFRESH_TOKEN_MS", SETTING_MS, FIELD(refresh_token_ms), .preset = "2592000000", .min = 3600000,
        .max = 31536000000, .help = "how long a refresh token is good" },
    { "REFRESH_RETRY_MS", SETTING_MS, FIELD(refresh_retry_ms), .preset = "10000", .min = 0, .max = 60000,
        .help = "how long a used refresh token may come again because its answer was lost" },
    { "RESET_SECRET_MS", SETTING_MS, FIELD(reset_secret_ms), .preset = "86400000", .min = 60000, .max = 604800000,
        .help = "how long the secret of a password reset is good" },
    { "KEY_ROTATION_MS", SETTING_MS, FIELD(key_rotation_ms), .preset = "7776000000", .min = 3600000, .max = 94608000000,
        .help = "how long one key signs before the next one takes over" },
    { "PASSWORD_CHECKS", SETTING_COUNT, FIELD(password_checks), .preset = "2", .min = 1, .max = 64,
        .help = "password hashes computed at once: 19 MiB and about 40 ms of a core each" },
    { "RPC_WORKERS", SETTING_COUNT, FIELD(workers), .preset = "8", .min = 4, .max = 256,
        .help = "calls handled at once; at most half of them wait for password hashes" },
    { "RPC_QUEUE", SETTING_COUNT, FIELD(queue), .preset = "256", .min = 1, .max = 100000,
        .help = "calls that may wait; beyond it callers are refused at once" },
    { 0 },
};
