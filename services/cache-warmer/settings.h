/* What cache-warmer can be told by its environment. */
#pragma once
#include "service/service.h"

struct warmer_config {
    struct service_config service;
    char redis_address[128];
    char redis_user[64];
    char redis_password[128];
    int64_t redis_ms;
    int64_t every_ms;
    int64_t after_ms;
    int64_t calls_per_second;
    int64_t most;
    int64_t call_ms;
};

extern const struct setting warmer_settings[];
