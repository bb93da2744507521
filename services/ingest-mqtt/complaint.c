#include "complaint.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include <stdatomic.h>

static const int64_t line_every_us = 1000000;

static struct {
    const char *name;
    const char *label;
    struct metric *counter;
    atomic_int_fast64_t logged_us, unlogged;
} kinds[COMPLAINTS] = {
    [COMPLAINT_MALFORMED] = { "malformed", "reason=\"malformed\"", NULL, 0, 0 },
    [COMPLAINT_TOO_LARGE] = { "too_large", "reason=\"too_large\"", NULL, 0, 0 },
    [COMPLAINT_VERSION] = { "version", "reason=\"version\"", NULL, 0, 0 },
    [COMPLAINT_CREDENTIALS] = { "credentials", "reason=\"credentials\"", NULL, 0, 0 },
    [COMPLAINT_TOO_MANY_FAILURES] = { "too_many_failures", "reason=\"too_many_failures\"", NULL, 0, 0 },
    [COMPLAINT_CLIENT_ID] = { "client_id", "reason=\"client_id\"", NULL, 0, 0 },
    [COMPLAINT_TOPIC] = { "topic", "reason=\"topic\"", NULL, 0, 0 },
    [COMPLAINT_FOREIGN_TOPIC] = { "foreign_topic", "reason=\"foreign_topic\"", NULL, 0, 0 },
    [COMPLAINT_QOS] = { "qos", "reason=\"qos\"", NULL, 0, 0 },
    [COMPLAINT_WINDOW] = { "window", "reason=\"window\"", NULL, 0, 0 },
    [COMPLAINT_PROTOCOL] = { "protocol", "reason=\"protocol\"", NULL, 0, 0 },
    [COMPLAINT_PAYLOAD] = { "payload", "reason=\"payload\"", NULL, 0, 0 },
    [COMPLAINT_KEEP_ALIVE] = { "keep_alive", "reason=\"keep_alive\"", NULL, 0, 0 },
    [COMPLAINT_REVOKED] = { "revoked", "reason=\"revoked\"", NULL, 0, 0 },
    [COMPLAINT_TAKEN_OVER] = { "taken_over", "reason=\"taken_over\"", NULL, 0, 0 },
    [COMPLAINT_UNAVAILABLE] = { "unavailable", "reason=\"unavailable\"", NULL, 0, 0 },
};

void complaints_init(void)
{
    for (int i = 0; i < COMPLAINTS; i++)
        kinds[i].counter = metrics_counter(
            "nwims_mqtt_complaints_total", kinds[i].label, "What clients did wrong or was not taken, by reason");
}

void complaint_note(
    enum complaint complaint, int32_t tenant_id, const char *device_id, const char *peer, const char *problem)
{
    const struct log_scope scope = { .tenant_id = tenant_id };
    int64_t now_us = clock_monotonic_us();
    int_fast64_t logged_us = atomic_load(&kinds[complaint].logged_us);
    metric_add(kinds[complaint].counter, 1);
    if (now_us - logged_us < line_every_us ||
        !atomic_compare_exchange_strong(&kinds[complaint].logged_us, &logged_us, now_us)) {
        atomic_fetch_add(&kinds[complaint].unlogged, 1);
        return;
    }
    int64_t unlogged = atomic_exchange(&kinds[complaint].unlogged, 0);
    log_warn(&scope, "mqtt.complaint", LOG_TEXT("reason", kinds[complaint].name), LOG_TEXT("problem", problem),
        LOG_TEXT("device", device_id), LOG_TEXT("peer", peer), LOG_COUNT("alike_unlogged", unlogged));
}
