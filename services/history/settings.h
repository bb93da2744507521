/* What an operator can set of history. */
#pragma once
#include "service/service.h"

struct history_config {
    struct service_config service;
    int64_t workers;
    int64_t queue;
    int64_t directory_sensors;
};
extern const struct setting history_settings[];
