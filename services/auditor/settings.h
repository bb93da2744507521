/* What auditor can be told by its environment. */
#pragma once
#include "service/service.h"

struct auditor_config {
    struct service_config service;
    int64_t recorders;
    int64_t batch_records;
    int64_t linger_ms;
    int64_t ack_wait_ms;
    int64_t max_deliveries;
    int64_t seal_ms;
    int64_t key_rotation_ms;
    int64_t verify_records;
    int64_t workers;
    int64_t queue;
    char master_key[80];
};

extern const struct setting auditor_settings[];
