#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct ingest_mqtt_config, name)

const struct setting ingest_mqtt_settings[] = {
    { "MQTT_ADDRESS", SETTING_TEXT, FIELD(plain_address), .preset = "127.0.0.1:1883",
        .help = "where devices connect without TLS; empty: nowhere" },
    { "MQTTS_ADDRESS", SETTING_TEXT, FIELD(tls_address), .preset = "",
        .help = "where devices connect with TLS 1.2 or 1.3; empty: nowhere" },
    { "PACKET_MAX_BYTES", SETTING_BYTES, FIELD(packet_max_bytes), .preset = "256k", .min = 1024, .max = 8388608,
        .help = "largest packet" },
    { "UNACKNOWLEDGED_MAX", SETTING_COUNT, FIELD(most_unacknowledged), .preset = "64", .min = 1, .max = 1024,
        .help = "QoS 1 messages of a connection that are not stored yet; then it is read no further" },
    { "KEEP_ALIVE_MAX_S", SETTING_COUNT, FIELD(keep_alive_max_s), .preset = "3600", .min = 10, .max = 65535,
        .help = "longest keep-alive; version 5 is told, a longer one of 3.1.1 is cut" },
    FRONT_SETTINGS(FIELD),
    { 0 },
};
