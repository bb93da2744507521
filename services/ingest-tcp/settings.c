#include "settings.h"

#define FIELD(name) SETTING_FIELD(struct ingest_tcp_config, name)

const struct setting ingest_tcp_settings[] = {
    { "NWT_ADDRESS", SETTING_TEXT, FIELD(plain_address), .preset = "127.0.0.1:7421",
        .help = "where devices speak NWT/1 without TLS, each frame with a check value; empty: nowhere" },
    { "NWTS_ADDRESS", SETTING_TEXT, FIELD(tls_address), .preset = "",
        .help = "where devices speak NWT/1 over TLS 1.2 or 1.3; empty: nowhere" },
    { "LINES_ADDRESS", SETTING_TEXT, FIELD(line_address), .preset = "",
        .help = "where devices send lines of JSON without TLS; empty: nowhere" },
    { "LINES_TLS_ADDRESS", SETTING_TEXT, FIELD(line_tls_address), .preset = "",
        .help = "where devices send lines of JSON over TLS; empty: nowhere" },
    { "PLAIN_TOKENS", SETTING_FLAG, FIELD(takes_plain_tokens), .preset = "false",
        .help = "devices may send their token without TLS: only where nobody else hears the line" },
    { "POSITION_WRITERS", SETTING_COUNT, FIELD(writers), .preset = "8", .min = 1, .max = 64,
        .help = "threads that write up to where each device's records are stored" },
    { "FRAME_MAX_BYTES", SETTING_BYTES, FIELD(frame_max_bytes), .preset = "64k", .min = 1024, .max = 65536,
        .help = "largest frame, longest line" },
    { "WINDOW", SETTING_COUNT, FIELD(window), .preset = "256", .min = 1, .max = 4096,
        .help = "frames of a device that are not acknowledged yet; then it is read no further" },
    { "KEEP_ALIVE_MAX_S", SETTING_COUNT, FIELD(keep_alive_max_s), .preset = "86400", .min = 10, .max = 86400,
        .help = "longest time without a word that a device may choose" },
    { "MODBUS_NETWORKS", SETTING_TEXT, FIELD(modbus_networks), .preset = "",
        .help = "networks in which Modbus devices may be asked: 10.20.0.0/16, 192.168.7.9; empty: none is" },
    { "MODBUS_THREADS", SETTING_COUNT, FIELD(modbus_threads), .preset = "8", .min = 1, .max = 256,
        .help = "Modbus devices that are asked at the same time" },
    { "MODBUS_DEVICES_MAX", SETTING_COUNT, FIELD(modbus_devices), .preset = "10000", .min = 1, .max = 1000000,
        .help = "most Modbus devices" },
    FRONT_SETTINGS(FIELD),
    { 0 },
};
