#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct gateway_config, name)

const struct setting gateway_settings[] = {
    { "HTTP_ADDRESS", SETTING_TEXT, FIELD(http_address), .preset = "127.0.0.1:8080",
        .help = "where the API listens; plain HTTP, TLS ends at the proxy in front" },
    { "HTTP_THREADS", SETTING_COUNT, FIELD(http_threads), .preset = "256", .min = 4, .max = 4096,
        .help = "most connections at once: one thread each" },
    { "BODY_MAX_BYTES", SETTING_BYTES, FIELD(body_max_bytes), .preset = "16m", .min = 1024, .max = 67108864,
        .help = "largest request body" },
    { "BODIES_MAX_BYTES", SETTING_BYTES, FIELD(bodies_max_bytes), .preset = "128m", .min = 1048576,
        .help = "all request bodies in memory together; beyond it callers get 503" },
    { "CALL_MS", SETTING_MS, FIELD(call_ms), .preset = "10000", .min = 100, .max = 120000,
        .help = "longest wait for the service that owns the data" },
    { "COMMIT_WAIT_MS", SETTING_MS, FIELD(commit_wait_ms), .preset = "15000", .min = 100, .max = 120000,
        .help = "longest wait for PostgreSQL to commit a batch; then 202" },
    { "FUTURE_MS", SETTING_MS, FIELD(future_ms), .preset = "300000", .min = 0,
        .help = "how far ahead of our clock a reading may be" },
    { "DIRECTORY_SENSORS", SETTING_COUNT, FIELD(directory_sensors), .preset = "1000000", .min = 1000,
        .help = "most sensors kept in memory for checking readings" },
    { "CORS_ORIGINS", SETTING_TEXT, FIELD(cors_origins), .preset = "",
        .help = "origins of browser applications that may call the API, exact, with commas; none if empty" },
    { "PROXY_ADDRESS", SETTING_TEXT, FIELD(proxy_address), .preset = "127.0.0.1",
        .help = "proxies in front, addresses and networks with commas: what they say in X-Forwarded-For and "
                "Nwims-Client-Certificate is believed; nobody's if empty" },
    { "PROXY_SECRET", SETTING_SECRET, FIELD(proxy_secret), .preset = "",
        .help = "what a proxy must send in Nwims-Proxy-Secret to be believed; needed where others share its address" },
    { "ADDRESS_RATE", SETTING_COUNT, FIELD(address_rate), .preset = "1000",
        .help = "requests a second from one address, twice as many at once; 0: no limit" },
    { "KEY_RATE", SETTING_COUNT, FIELD(key_rate), .preset = "500",
        .help = "requests a second of one user or API key, twice as many at once; 0: no limit" },
    { "TENANT_RATE", SETTING_COUNT, FIELD(tenant_rate), .preset = "2000",
        .help = "requests a second of one tenant without a quota of its own; 0: no limit" },
    { "TENANT_BURST", SETTING_COUNT, FIELD(tenant_burst), .preset = "4000",
        .help = "requests of such a tenant at once" },
    { "TENANT_READINGS", SETTING_COUNT, FIELD(tenant_readings), .preset = "0",
        .help = "readings a day of such a tenant by the API; 0: no limit" },
    { "REPLICAS", SETTING_COUNT, FIELD(replicas), .preset = "1", .min = 1, .max = 1000,
        .help = "gateways among which callers are spread evenly: each enforces its part of the rates" },
    { "STREAMS_MAX", SETTING_COUNT, FIELD(streams_max), .preset = "128", .min = 1, .max = 4000,
        .help = "most open streams of readings (/stream, /ws): each holds one of HTTP_THREADS; beyond it 503" },
    { "STREAM_SENSORS", SETTING_COUNT, FIELD(stream_sensors), .preset = "50000", .min = 1, .max = 1000000,
        .help = "most sensors that one stream may watch" },
    { "EXPECTED_SERVICES", SETTING_TEXT, FIELD(expected_services), .preset = "",
        .help = "services that this deployment has, with commas: /system/services shows those that do not answer as "
                "missing" },
    { 0 }
};
