/* The settings of registry. */
#pragma once
#include "service/service.h"

struct registry_config {
    struct service_config service;
    char master_key[80];
    int64_t workers;
    int64_t queue;
    int64_t job_lease_ms;
    int64_t refusals_most;
    int64_t refusals_days;
};

extern const struct setting registry_settings[];
