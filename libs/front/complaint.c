#include "front/complaint.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

static const int64_t line_every_us = 1000000;

static char event_name[32];
static struct complaints_config told;
static struct {
    const char *name;
    struct metric *counter;
    atomic_int_fast64_t logged_us, unlogged;
} kinds[COMPLAINT_MOST_KINDS];

void complaints_init(const struct complaints_config *config)
{
    char metric[64], label[64];
    assert(config->count <= COMPLAINT_MOST_KINDS);
    told = *config;
    snprintf(event_name, sizeof event_name, "%s.complaint", config->protocol);
    snprintf(metric, sizeof metric, "nwims_%s_complaints_total", config->protocol);
    for (unsigned i = 0; i < config->count; i++) {
        snprintf(label, sizeof label, "reason=\"%s\"", config->names[i]);
        kinds[i].name = config->names[i];
        kinds[i].counter = metrics_counter(metric, label, "What clients did wrong or was not taken, by reason");
    }
}

static void log_sample(
    unsigned complaint, int32_t tenant_id, const char *device_id, const char *peer, const char *problem)
{
    const struct log_scope scope = { .tenant_id = tenant_id };
    int64_t now_us = clock_monotonic_us();
    int_fast64_t logged_us = atomic_load(&kinds[complaint].logged_us);
    if (now_us - logged_us < line_every_us ||
        !atomic_compare_exchange_strong(&kinds[complaint].logged_us, &logged_us, now_us)) {
        atomic_fetch_add(&kinds[complaint].unlogged, 1);
        return;
    }
    int64_t unlogged = atomic_exchange(&kinds[complaint].unlogged, 0);
    log_warn(&scope, event_name, LOG_TEXT("reason", kinds[complaint].name), LOG_TEXT("problem", problem),
        LOG_TEXT("device", device_id), LOG_TEXT("peer", peer), LOG_COUNT("alike_unlogged", unlogged));
}

void complaint_note(unsigned complaint, int32_t tenant_id, const char *device_id, const char *peer, const char *problem)
{
    const struct complaint_refusal refusal = { kinds[complaint].name, device_id, peer, tenant_id };
    metric_add(kinds[complaint].counter, 1);
    log_sample(complaint, tenant_id, device_id, peer, problem);
    if (told.refusals & UINT32_C(1) << complaint)
        told.refused(told.context, &refusal);
}
