/* What an operator can set of ingest-http. */
#pragma once
#include "service/service.h"

struct ingest_http_config {
    struct service_config service;
    char http_address[64];
    int64_t http_threads;
    int64_t body_max_bytes;
    int64_t bodies_max_bytes;
    int64_t future_ms;
    int64_t directory_sensors;
    int64_t directory_credentials;
    int64_t failures_a_minute;
    int64_t signature_ms;
    char proxy_address[256];
    char proxy_secret[128];
};
extern const struct setting ingest_http_settings[];
