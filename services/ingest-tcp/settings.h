/* What an operator can set of ingest-tcp. */
#pragma once
#include "service/service.h"

struct ingest_tcp_config {
    struct service_config service;
    char plain_address[64];
    char tls_address[64];
    char line_address[64];
    char line_tls_address[64];
    char certificate_file[256];
    char key_file[256];
    bool takes_certificates;
    bool takes_psk;
    bool takes_plain_tokens;
    int64_t loops;
    int64_t workers;
    int64_t writers;
    int64_t most_connections;
    int64_t most_logins;
    int64_t admit_a_second;
    int64_t login_ms;
    int64_t stall_ms;
    int64_t frame_max_bytes;
    int64_t window;
    int64_t keep_alive_max_s;
    int64_t batch_max_readings;
    int64_t batch_linger_ms;
    int64_t batches_in_flight;
    int64_t most_held;
    int64_t drain_spread_ms;
    int64_t future_ms;
    int64_t directory_sensors;
    int64_t directory_credentials;
    int64_t failures_a_minute;
    char modbus_networks[512];
    int64_t modbus_threads;
    int64_t modbus_devices;
};
extern const struct setting ingest_tcp_settings[];
