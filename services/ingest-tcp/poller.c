#include "poller.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "front/workers.h"
#include "metrics/metrics.h"
#include "polled_device.h"
#include "polled_list.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 50,
    LIST_EVERY_MS = 30000,
    LIST_AGAIN_MS = 1000,
    OTHERS_WAIT_MS = 10000, /* until we look again whether a replica is gone */
    MOST_WAIT_MS = 600000,
    MOST_DOUBLINGS = 6,
    POLL_ARENA_BYTES = 4 * 1024 * 1024,
    LIST_ARENA_BYTES = 16 * 1024 * 1024,
    LINE_EVERY_MS = 1000,
};

struct poller {
    struct poller_config config;
    struct poll_context context;
    struct workers *workers;
    pthread_t thread;
    bool is_started;
    atomic_bool is_closing, is_stale;
    pthread_mutex_t lock;
    struct map *devices; /* "<tenant>/<id>" -> struct polled_device */
    int64_t logged_us, unlogged;
    struct metric *gauge, *outcomes[POLL_OUTCOMES];
};

/* ---- after an answer ---- */
static void log_failure(
    struct poller *poller, const struct polled_device *device, enum poll_outcome outcome, const struct err *err)
{
    const struct log_scope scope = { .tenant_id = device->device.tenant_id };
    int64_t now_us = clock_monotonic_us();
    if (outcome == POLL_DONE || outcome == POLL_OTHERS)
        return;
    if (now_us - poller->logged_us < LINE_EVERY_MS * INT64_C(1000)) {
        poller->unlogged++;
        return;
    }
    poller->logged_us = now_us;
    log_warn(&scope, "modbus.failed", LOG_TEXT("device", device->device.device_id), LOG_ERR(err),
        LOG_COUNT("in_a_row", device->failures), LOG_COUNT("alike_unlogged", poller->unlogged));
    poller->unlogged = 0;
}

/* The beginning of the next period; one that fails is left alone for longer and longer. */
static int64_t next_wait_us(const struct polled_device *device, enum poll_outcome outcome)
{
    int64_t period_us = device->profile->period_ms * 1000, now_us = clock_now_us();
    int64_t wait_us = period_us - now_us % period_us;
    unsigned doublings = device->failures < MOST_DOUBLINGS ? device->failures : MOST_DOUBLINGS;
    if (outcome == POLL_OTHERS && wait_us < OTHERS_WAIT_MS * INT64_C(1000))
        return OTHERS_WAIT_MS * INT64_C(1000);
    if (device->failures == 0)
        return wait_us;
    int64_t longer_us = period_us << (doublings - 1);
    return longer_us < MOST_WAIT_MS * INT64_C(1000) ? longer_us : MOST_WAIT_MS * INT64_C(1000);
}

static void run(struct job *job, struct arena *arena)
{
    struct polled_device *device = (struct polled_device *)(void *)((char *)job - offsetof(struct polled_device, job));
    struct poller *poller = device->poller;
    struct err err = { 0 };
    enum poll_outcome outcome = poll_device(&poller->context, device, arena, &err);
    bool is_failure = outcome == POLL_SILENT || outcome == POLL_REFUSED || outcome == POLL_FORBIDDEN;
    device->failures = is_failure ? device->failures + 1 : 0;
    metric_add(poller->outcomes[outcome], 1);
    pthread_mutex_lock(&poller->lock);
    log_failure(poller, device, outcome, &err);
    device->due_us = clock_monotonic_us() + next_wait_us(device, outcome);
    device->is_busy = false;
    pthread_mutex_unlock(&poller->lock);
}

/* ---- the list: under the lock ---- */
static size_t key_text(char text[64], const Nwims__V1__PolledDevice *device)
{
    return (size_t)snprintf(text, 64, "%" PRId32 "/%.40s", device->tenant_id, device->device_id);
}

static struct polled_device *make(struct poller *poller, const Nwims__V1__PolledDevice *listed)
{
    struct polled_device *device = calloc(1, sizeof *device);
    struct err err = { 0 };
    if (!device || !(device->configuration = strdup(listed->configuration)) ||
        snprintf(device->device.device_id, sizeof device->device.device_id, "%s", listed->device_id) >=
            (int)sizeof device->device.device_id) {
        polled_device_free(device);
        return NULL;
    }
    device->poller = poller;
    device->job.run = run;
    device->device.tenant_id = listed->tenant_id;
    if (!modbus_profile_parse(&device->profile, listed->configuration, strlen(listed->configuration), &err)) {
        const struct log_scope scope = { .tenant_id = listed->tenant_id };
        log_warn(&scope, "modbus.bad_configuration", LOG_TEXT("device", listed->device_id), LOG_ERR(&err));
    }
    return device;
}

static void take_listed(void *context, const Nwims__V1__PolledDevice *listed)
{
    struct poller *poller = context;
    char key[64];
    size_t length = key_text(key, listed);
    pthread_mutex_lock(&poller->lock);
    struct polled_device *device = map_get(poller->devices, key, length);
    bool is_same = device && strcmp(device->configuration, listed->configuration) == 0;
    if (device && !is_same && !device->is_busy) {
        map_remove(poller->devices, key, length);
        polled_device_free(device);
        device = NULL;
    }
    if (!device && (device = make(poller, listed)) && !map_put(poller->devices, key, length, device, NULL)) {
        polled_device_free(device);
        device = NULL;
    }
    if (device && !is_same && strcmp(device->configuration, listed->configuration) != 0)
        atomic_store(&poller->is_stale, true); /* it is being asked: at the next look */
    if (device)
        device->is_listed = true;
    pthread_mutex_unlock(&poller->lock);
}

static bool unlist(void *context, const void *key, size_t key_size, void *value)
{
    (void)context, (void)key, (void)key_size;
    ((struct polled_device *)value)->is_listed = false;
    return true;
}

struct leaver {
    const void *key;
    size_t size;
    struct polled_device *device;
};
static bool find_leaver(void *context, const void *key, size_t key_size, void *value)
{
    struct leaver *leaver = context;
    struct polled_device *device = value;
    if (device->is_listed || device->is_busy)
        return true;
    *leaver = (struct leaver){ key, key_size, device };
    return false;
}

static void drop_unlisted(struct poller *poller)
{
    for (;;) {
        char key[64];
        struct leaver leaver = { 0 };
        map_each(poller->devices, find_leaver, &leaver);
        if (!leaver.device)
            return;
        memcpy(key, leaver.key, leaver.size);
        map_remove(poller->devices, key, leaver.size);
        polled_device_free(leaver.device);
    }
}

/* What the list does not name any more goes, unless the list could not be had. */
static bool refresh(struct poller *poller, struct arena *arena)
{
    struct err err = { 0 };
    atomic_store(&poller->is_stale, false);
    pthread_mutex_lock(&poller->lock);
    map_each(poller->devices, unlist, NULL);
    pthread_mutex_unlock(&poller->lock);
    if (!polled_list_each(poller->config.bus, arena, take_listed, poller, &err)) {
        log_debug(NULL, "modbus.no_list", LOG_ERR(&err));
        return false;
    }
    pthread_mutex_lock(&poller->lock);
    drop_unlisted(poller);
    metric_set(poller->gauge, (double)map_count(poller->devices));
    pthread_mutex_unlock(&poller->lock);
    return true;
}

/* ---- who is due ---- */
static bool start_if_due(void *context, const void *key, size_t key_size, void *value)
{
    struct polled_device *device = value;
    (void)key, (void)key_size;
    if (!device->profile || device->is_busy || device->due_us > *(const int64_t *)context)
        return true;
    device->is_busy = true;
    if (!workers_do(device->poller->workers, &device->job))
        device->is_busy = false;
    return true;
}

static void *look(void *context)
{
    struct poller *poller = context;
    struct arena arena;
    int64_t list_us = 0;
    arena_init(&arena, LIST_ARENA_BYTES);
    while (!atomic_load(&poller->is_closing)) {
        int64_t now_us = clock_monotonic_us();
        if (now_us >= list_us || atomic_load(&poller->is_stale))
            list_us = now_us + (refresh(poller, &arena) ? LIST_EVERY_MS : LIST_AGAIN_MS) * INT64_C(1000);
        pthread_mutex_lock(&poller->lock);
        map_each(poller->devices, start_if_due, &now_us);
        pthread_mutex_unlock(&poller->lock);
        clock_sleep_ms(LOOK_MS);
    }
    arena_done(&arena);
    return NULL;
}

/* ---- opening and closing ---- */
static void make_metrics(struct poller *poller)
{
    static const char *const labels[POLL_OUTCOMES] = { [POLL_DONE] = "outcome=\"stored\"",
        [POLL_OTHERS] = "outcome=\"of_another_replica\"",
        [POLL_SILENT] = "outcome=\"silent\"",
        [POLL_REFUSED] = "outcome=\"refused\"",
        [POLL_FORBIDDEN] = "outcome=\"forbidden\"",
        [POLL_UNSTORED] = "outcome=\"unstored\"" };
    for (int i = 0; i < POLL_OUTCOMES; i++)
        poller->outcomes[i] =
            metrics_counter("nwims_modbus_polls_total", labels[i], "Rounds of asking a Modbus device");
    poller->gauge = metrics_gauge("nwims_modbus_devices", NULL, "Devices with a configuration by which they are asked");
}

static void poller_auto(struct poller **poller)
{
    poller_close(*poller);
}

bool poller_open(struct poller **out_poller, const struct poller_config *config, struct err *err)
{
    __attribute__((cleanup(poller_auto))) struct poller *poller = calloc(1, sizeof *poller);
    if (!poller || !(poller->devices = map_new(config->most_devices))) {
        free(TAKE(poller));
        return err_set(err, ERR_LIMIT, "no memory to ask devices");
    }
    poller->config = *config;
    poller->context = (struct poll_context){ .bus = config->bus,
        .intake = config->intake,
        .events = config->events,
        .networks = &poller->config.networks,
        .owner = uuid_new(),
        .is_closing = &poller->is_closing };
    pthread_mutex_init(&poller->lock, NULL);
    make_metrics(poller);
    if (!workers_open(&poller->workers, "modbus", config->threads, config->most_devices + 1, POLL_ARENA_BYTES, err))
        return false;
    int failed = pthread_create(&poller->thread, NULL, look, poller);
    if (failed != 0)
        return err_set(err, ERR_LIMIT, "no thread to ask devices: %s", strerror(failed));
    poller->is_started = true;
    *out_poller = TAKE(poller);
    return true;
}

static void free_device(void *value)
{
    polled_device_free(value);
}

void poller_close(struct poller *poller)
{
    if (!poller)
        return;
    atomic_store(&poller->is_closing, true);
    if (poller->is_started)
        pthread_join(poller->thread, NULL);
    workers_close(poller->workers);
    map_free(poller->devices, free_device);
    pthread_mutex_destroy(&poller->lock);
    free(poller);
}

void poller_refresh(struct poller *poller)
{
    atomic_store(&poller->is_stale, true);
}
