/* What an operator can set of ingest-tcp. */
#pragma once
#include "front/front_config.h"
#include "service/service.h"

struct ingest_tcp_config {
    struct service_config service;
    struct front_config front;
    char plain_address[64];
    char tls_address[64];
    char line_address[64];
    char line_tls_address[64];
    bool takes_plain_tokens;
    int64_t writers;
    int64_t frame_max_bytes;
    int64_t window;
    int64_t keep_alive_max_s;
    char modbus_networks[512];
    int64_t modbus_threads;
    int64_t modbus_devices;
};
extern const struct setting ingest_tcp_settings[];
