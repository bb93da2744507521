/* The settings of identity. */
#pragma once
#include "service/service.h"

struct identity_config {
    struct service_config service;
    char master_key[80];
    char admin_email[256];
    char admin_password[256];
    int64_t access_token_ms;
    int64_t refresh_token_ms;
    int64_t refresh_retry_ms;
    int64_t reset_secret_ms;
    int64_t key_rotation_ms;
    int64_t password_checks;
    int64_t workers;
    int64_t queue;
};

extern const struct setting identity_settings[];
