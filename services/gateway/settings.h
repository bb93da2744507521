/* What an operator can set of the gateway. */
#pragma once
#include "service/service.h"

struct gateway_config {
    struct service_config service;
    char http_address[64];
    int64_t http_threads;
    int64_t body_max_bytes;
    int64_t bodies_max_bytes;
    int64_t call_ms;
    int64_t commit_wait_ms;
    int64_t future_ms;
    int64_t directory_sensors;
    char cors_origins[1024];
    char proxy_address[256];
    char proxy_secret[128];
    int64_t address_rate;
    int64_t key_rate;
    int64_t tenant_rate;
    int64_t tenant_burst;
    int64_t tenant_readings;
    int64_t replicas;
    int64_t streams_max;
    int64_t stream_sensors;
    char expected_services[512];
    char redis_address[128];
    char redis_user[64];
    char redis_password[128];
    int64_t redis_ms;
    int64_t redis_connections;
    int64_t cache_memory_bytes;
};
extern const struct setting gateway_settings[];
