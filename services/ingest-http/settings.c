#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct ingest_http_config, name)

const struct setting ingest_http_settings[] = {
    { "HTTP_ADDRESS", SETTING_TEXT, FIELD(http_address), .preset = "127.0.0.1:8081",
        .help = "where devices post; plain HTTP, TLS ends at the proxy in front" },
    { "HTTP_THREADS", SETTING_COUNT, FIELD(http_threads), .preset = "128", .min = 4, .max = 4096,
        .help = "most connections at once: one thread each" },
    { "BODY_MAX_BYTES", SETTING_BYTES, FIELD(body_max_bytes), .preset = "8m", .min = 1024, .max = 67108864,
        .help = "largest request body" },
    { "BODIES_MAX_BYTES", SETTING_BYTES, FIELD(bodies_max_bytes), .preset = "64m", .min = 1048576,
        .help = "all request bodies in memory together; beyond it devices get 503" },
    { "FUTURE_MS", SETTING_MS, FIELD(future_ms), .preset = "300000", .min = 0, .max = 86399999,
        .help = "how far ahead of ours a device's clock may be; beyond it a reading is marked and gets our time" },
    { "DIRECTORY_SENSORS", SETTING_COUNT, FIELD(directory_sensors), .preset = "1000000", .min = 1000,
        .help = "most sensors kept in memory" },
    { "DIRECTORY_CREDENTIALS", SETTING_COUNT, FIELD(directory_credentials), .preset = "200000", .min = 1000,
        .help = "most device credentials kept in memory" },
    { "FAILURES_A_MINUTE", SETTING_COUNT, FIELD(failures_a_minute), .preset = "60", .min = 1,
        .help = "wrong credentials an address may send in a minute; then 429" },
    { "SIGNATURE_MS", SETTING_MS, FIELD(signature_ms), .preset = "300000", .min = 1000, .max = 300000,
        .help = "how far from ours the time of a signed request may be" },
    { "PROXY_ADDRESS", SETTING_TEXT, FIELD(proxy_address), .preset = "127.0.0.1",
        .help = "proxies in front, addresses and networks with commas: what they say in X-Forwarded-For and "
                "Nwims-Client-Certificate is believed; nobody's if empty" },
    { "PROXY_SECRET", SETTING_SECRET, FIELD(proxy_secret), .preset = "",
        .help = "what a proxy must send in Nwims-Proxy-Secret to be believed; needed where others share its address" },
    { 0 },
};
