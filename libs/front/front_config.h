/* What every front of devices can be set: embedded as the member "front" of a program's configuration, with its rows in
 * the program's table; and what is opened as they say. */
#pragma once
#include "base/settings.h"
#include "ingest/failure_gate.h"
#include "ingest/gather.h"
#include "ingest/intake.h"
#include "net/net.h"

struct front_config {
    char certificate_file[256];
    char key_file[256];
    char ticket_secret[256];
    bool takes_certificates;
    bool takes_psk;
    int64_t loops;
    int64_t workers;
    int64_t most_connections;
    int64_t most_logins;
    int64_t admit_a_second;
    int64_t login_ms;
    int64_t stall_ms;
    int64_t batch_max_readings;
    int64_t batch_linger_ms;
    int64_t batches_in_flight;
    int64_t most_held;
    int64_t drain_spread_ms;
    int64_t future_ms;
    int64_t directory_sensors;
    int64_t directory_credentials;
    int64_t failures_a_minute;
};

/* FIELD(name): SETTING_FIELD of the program's configuration. */
/* clang-format off */
#define FRONT_SETTINGS(FIELD) \
    { "TLS_CERTIFICATE_FILE", SETTING_TEXT, FIELD(front.certificate_file), .preset = "", \
        .help = "our certificate with its chain, PEM" }, \
    { "TLS_KEY_FILE", SETTING_TEXT, FIELD(front.key_file), .preset = "", .help = "its private key, PEM" }, \
    { "TLS_TICKET_SECRET", SETTING_SECRET, FIELD(front.ticket_secret), .preset = "", \
        .help = "shared by replicas: a device that comes back is let in by the TLS ticket that another gave it; empty: each takes its own until it ends" }, \
    { "TLS_CLIENT_CERTIFICATES", SETTING_FLAG, FIELD(front.takes_certificates), .preset = "true", \
        .help = "devices may show a certificate instead of a token; its fingerprint is their credential" }, \
    { "TLS_PSK", SETTING_FLAG, FIELD(front.takes_psk), .preset = "true", \
        .help = "devices may have a pre-shared key instead of a token" }, \
    { "LOOPS", SETTING_COUNT, FIELD(front.loops), .preset = "2", .min = 1, .max = 64, \
        .help = "threads that serve connections" }, \
    { "WORKERS", SETTING_COUNT, FIELD(front.workers), .preset = "4", .min = 1, .max = 64, \
        .help = "threads for what waits: logins that the registry must be asked for, readings that are refused" }, \
    { "CONNECTIONS_MAX", SETTING_COUNT, FIELD(front.most_connections), .preset = "20000", .min = 1, .max = 1000000, \
        .help = "most connections; each takes an open file" }, \
    { "LOGINS_MAX", SETTING_COUNT, FIELD(front.most_logins), .preset = "1000", .min = 1, \
        .help = "most connections that have not logged in yet; others wait" }, \
    { "ADMIT_A_SECOND", SETTING_COUNT, FIELD(front.admit_a_second), .preset = "2000", .min = 1, \
        .help = "new connections a second; others wait" }, \
    { "LOGIN_MS", SETTING_MS, FIELD(front.login_ms), .preset = "10000", .min = 100, \
        .help = "from admission to the end of the login" }, \
    { "STALL_MS", SETTING_MS, FIELD(front.stall_ms), .preset = "30000", .min = 100, \
        .help = "how long a device may take nothing of what it is sent" }, \
    { "BATCH_MAX_READINGS", SETTING_COUNT, FIELD(front.batch_max_readings), .preset = "5000", .min = 1, .max = 20000, \
        .help = "most readings in a shared batch" }, \
    { "BATCH_LINGER_MS", SETTING_MS, FIELD(front.batch_linger_ms), .preset = "5", .min = 0, .max = 1000, \
        .help = "how long readings wait for company while another batch of their tenant is under way" }, \
    { "BATCHES_IN_FLIGHT", SETTING_COUNT, FIELD(front.batches_in_flight), .preset = "256", .min = 1, .max = 4096, \
        .help = "most batches on their way to the stream, a loop" }, \
    { "HELD_MAX_READINGS", SETTING_COUNT, FIELD(front.most_held), .preset = "200000", .min = 1000, \
        .help = "most readings here that are not stored yet, a loop; then devices are read no further" }, \
    { "DRAIN_SPREAD_MS", SETTING_MS, FIELD(front.drain_spread_ms), .preset = "5000", .min = 0, .max = 600000, \
        .help = "over how long devices are told to go elsewhere when we stop" }, \
    { "FUTURE_MS", SETTING_MS, FIELD(front.future_ms), .preset = "300000", .min = 0, .max = 86399999, \
        .help = "how far ahead of ours a device's clock may be; beyond it a reading is marked and gets our time" }, \
    { "DIRECTORY_SENSORS", SETTING_COUNT, FIELD(front.directory_sensors), .preset = "1000000", .min = 1000, \
        .help = "most sensors kept in memory" }, \
    { "DIRECTORY_CREDENTIALS", SETTING_COUNT, FIELD(front.directory_credentials), .preset = "200000", .min = 1000, \
        .help = "most device credentials kept in memory" }, \
    { "FAILURES_A_MINUTE", SETTING_COUNT, FIELD(front.failures_a_minute), .preset = "60", .min = 1, \
        .help = "wrong credentials an address may send in a minute; then it is refused unread" }
/* clang-format on */

/* name: of the threads. */
struct net_config front_net_config(const struct front_config *config, const char *name);
/* The caller adds settled, wake and context. */
struct gather_config front_gather_config(const struct front_config *config, const char *protocol);
/* Readings of before 2015 are taken for those of a clock that was never set. What was opened before an error is the
 * caller's to close. */
MUST_CHECK bool front_ingest_open(const struct front_config *config, struct bus *bus, struct directory **out_directory,
    struct intake **out_intake, struct failure_gate **out_failures, struct err *err);
