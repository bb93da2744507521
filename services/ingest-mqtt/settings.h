/* What an operator can set of ingest-mqtt. */
#pragma once
#include "front/front_config.h"
#include "service/service.h"

struct ingest_mqtt_config {
    struct service_config service;
    struct front_config front;
    char plain_address[64];
    char tls_address[64];
    int64_t packet_max_bytes;
    int64_t most_unacknowledged;
    int64_t keep_alive_max_s;
};
extern const struct setting ingest_mqtt_settings[];
