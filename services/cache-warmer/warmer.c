#include "warmer.h"
#include "base/clock.h"
#include "freshener.h"
#include "metrics/metrics.h"
#include "tenants.h"
#include "warmer_api.h"
#include <pthread.h>
#include <stdlib.h>

enum { STEP_MS = 200, HOLD_MS = 5000, HOLD_AGAIN_MS = 1000, STACK_BYTES = 256 * 1024 };

struct warmer {
    const struct warmer_config *config;
    struct bus *bus;
    struct cache *cache;
    struct rpc_server *server; /* while we are the one that works */
    struct pace pace;
    struct filler filler;
    struct freshener *freshener;
    pthread_mutex_t called; /* one call at a time */
    pthread_mutex_t lock;   /* guards changes and when they are due */
    struct cache_marks changes;
    int64_t changes_due_us;
    atomic_bool must_stop, holds;
    atomic_int_fast64_t held_us; /* when the main thread last made sure of the lock */
    pthread_t thread;
    bool has_thread;
    struct metric *keys, *fills, *cut_short, *works;
};

struct bus *warmer_bus(const struct warmer *warmer)
{
    return warmer->bus;
}

/* Keeps the lock, looking at it once a second; false when another has it. */
static bool hold(struct warmer *warmer)
{
    int64_t now_us = clock_monotonic_us();
    if (atomic_load(&warmer->holds) && now_us - atomic_load(&warmer->held_us) < (int64_t)HOLD_AGAIN_MS * 1000)
        return true;
    atomic_store(&warmer->holds, cache_lock_hold(warmer->cache, "warmer", HOLD_MS, atomic_load(&warmer->holds)));
    atomic_store(&warmer->held_us, now_us);
    metric_set(warmer->works, atomic_load(&warmer->holds) ? 1 : 0);
    return atomic_load(&warmer->holds);
}

static bool may_go_on(void *context)
{
    struct warmer *warmer = context;
    return !atomic_load(&warmer->must_stop) && hold(warmer);
}

/* ---- changes ---- */

static void spoil(struct warmer *warmer, const struct cache_marks *marks)
{
    if (marks->everything)
        freshener_spoil(warmer->freshener, 0);
    for (size_t i = 0; i < marks->count; i++)
        if (warm_subjects_of(marks->items[i].kinds) & 1u << WARM_STATISTICS)
            freshener_spoil(warmer->freshener, marks->items[i].tenant_id);
}

/* On threads of the bus. */
static void on_asked(void *context, int32_t tenant_id, const char *path)
{
    struct warmer *warmer = context;
    freshener_note(warmer->freshener, tenant_id, path);
}

static void on_marked(void *context, const struct cache_marks *marks)
{
    struct warmer *warmer = context;
    pthread_mutex_lock(&warmer->lock);
    spoil(warmer, marks);
    if (cache_marks_is_empty(&warmer->changes))
        warmer->changes_due_us = clock_monotonic_us() + warmer->config->after_ms * 1000;
    cache_marks_add_all(&warmer->changes, marks);
    pthread_mutex_unlock(&warmer->lock);
}

/* What is due of them; else nothing. */
static struct cache_marks take_changes(struct warmer *warmer)
{
    struct cache_marks taken = { 0 };
    pthread_mutex_lock(&warmer->lock);
    if (clock_monotonic_us() >= warmer->changes_due_us) {
        taken = warmer->changes;
        warmer->changes = (struct cache_marks){ 0 };
    }
    pthread_mutex_unlock(&warmer->lock);
    return taken;
}

/* ---- work ---- */

/* For a call and on our own account at the same time: both take turns at the pace. */
static void fill_subjects(struct warmer *warmer, int32_t tenant_id, unsigned subjects, const struct fill_limits *limits,
    struct fill_result results[WARM_SUBJECT_COUNT])
{
    for (enum warm_subject subject = 0; subject < WARM_SUBJECT_COUNT; subject++) {
        if (!(subjects & (1u << subject)))
            continue;
        metric_add(warmer->fills, 1);
        fill_subject(&warmer->filler, tenant_id, subject, limits, &results[subject]);
        metric_add(warmer->keys, (uint64_t)results[subject].keys);
        metric_add(warmer->cut_short, results[subject].is_complete ? 0 : 1);
    }
}

bool warmer_warm(struct warmer *warmer, int32_t tenant_id, unsigned subjects, const struct fill_limits *limits,
    struct fill_result out_results[WARM_SUBJECT_COUNT], struct err *err)
{
    const struct timespec until = { .tv_sec = (time_t)(limits->deadline_us / 1000000),
        .tv_nsec = (long)(limits->deadline_us % 1000000) * 1000 };
    if (pthread_mutex_clocklock(&warmer->called, CLOCK_MONOTONIC, &until) != 0)
        return err_set(err, ERR_LIMIT, "something else is being warmed; try again in a while");
    fill_subjects(warmer, tenant_id, subjects, limits, out_results);
    pthread_mutex_unlock(&warmer->called);
    return true;
}

/* On our own account: as long as it takes. A call does not wait for that: a tenant may have thousands of things, and
 * with one lock for both the next tenant had it again before a call that waited could take it. */
static void warm_tenant(struct warmer *warmer, int32_t tenant_id, unsigned subjects)
{
    const struct fill_limits limits = { .deadline_us = INT64_MAX / 2, .least_keep_ms = WARM_WORTH_MS };
    struct fill_result results[WARM_SUBJECT_COUNT] = { 0 };
    fill_subjects(warmer, tenant_id, subjects, &limits, results);
    int64_t keys = 0, took_ms = 0;
    for (size_t i = 0; i < WARM_SUBJECT_COUNT; i++) {
        keys += results[i].keys;
        took_ms += results[i].took_ms;
    }
    if (keys > 0)
        log_debug(
            NULL, "cache.warmed", LOG_COUNT("tenant", tenant_id), LOG_COUNT("keys", keys), LOG_MS("took_ms", took_ms));
}

/* False if it is not known which tenants there are. */
static bool warm_all(struct warmer *warmer)
{
    struct err err = { 0 };
    int32_t *ids;
    size_t count;
    if (!tenants_list(warmer->bus, warmer->config->call_ms, &ids, &count, &err)) {
        log_warn(NULL, "warmer.knows_no_tenants", LOG_ERR(&err));
        return false;
    }
    for (size_t i = 0; i < count && may_go_on(warmer); i++)
        warm_tenant(warmer, ids[i], WARM_BY_ITSELF);
    free(ids);
    return true;
}

static bool cache_is_ready(struct warmer *warmer)
{
    struct cache_statistics statistics;
    cache_statistics_get(warmer->cache, &statistics);
    return statistics.has_lease && statistics.redis_is_trusted;
}

/* Serves calls while we are the one that works. */
static void serve(struct warmer *warmer, bool works)
{
    struct err err = { 0 };
    if (!works && warmer->server)
        rpc_server_close(TAKE(warmer->server));
    else if (works && !warmer->server && !warmer_api_open(&warmer->server, warmer->bus, warmer, &err))
        log_warn(NULL, "warmer.serves_nobody", LOG_ERR(&err));
}

static void *run(void *argument)
{
    struct warmer *warmer = argument;
    int64_t all_due_us = 0;
    for (; !atomic_load(&warmer->must_stop); clock_sleep_ms(STEP_MS)) {
        bool works = hold(warmer);
        serve(warmer, works);
        if (!works) {
            all_due_us = 0; /* whoever takes over begins with everything */
            (void)take_changes(warmer);
            continue;
        }
        if (!cache_is_ready(warmer))
            continue;
        struct cache_marks changes = take_changes(warmer);
        if (changes.everything)
            all_due_us = 0;
        for (size_t i = 0; i < changes.count && may_go_on(warmer); i++)
            warm_tenant(warmer, changes.items[i].tenant_id, warm_subjects_of(changes.items[i].kinds));
        if (clock_monotonic_us() >= all_due_us)
            all_due_us = clock_monotonic_us() + (warm_all(warmer) ? warmer->config->every_ms : 1000) * 1000;
    }
    return NULL;
}

/* ---- life ---- */

static bool start_thread(struct warmer *warmer, struct err *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    warmer->has_thread = pthread_create(&warmer->thread, &attributes, run, warmer) == 0;
    pthread_attr_destroy(&attributes);
    return warmer->has_thread || err_set(err, ERR_LIMIT, "no thread for the warmer");
}

static void make_metrics(struct warmer *warmer)
{
    warmer->keys = metrics_counter("nwims_warmer_keys_total", NULL, "Answers put into the cache.");
    warmer->fills = metrics_counter("nwims_warmer_fills_total", NULL, "Subjects of tenants that were begun.");
    warmer->cut_short = metrics_counter(
        "nwims_warmer_cut_short_total", NULL, "Of those, the ones that were not finished or not begun.");
    warmer->works = metrics_gauge("nwims_warmer_works", NULL, "1 while this replica is the one that works.");
}

bool warmer_open(struct warmer **out_warmer, struct bus *bus, const struct warmer_config *config, struct err *err)
{
    struct warmer *warmer = calloc(1, sizeof *warmer);
    if (!warmer)
        return err_set(err, ERR_LIMIT, "no memory for the warmer");
    warmer->config = config;
    warmer->bus = bus;
    pthread_mutex_init(&warmer->called, NULL);
    pthread_mutex_init(&warmer->lock, NULL);
    pace_init(&warmer->pace, config->calls_per_second);
    make_metrics(warmer);
    warmer->freshener = freshener_new();
    const struct cache_config cache = { .bus = bus,
        .service = "cache-warmer",
        .redis = { .address = config->redis_address,
            .user = config->redis_user,
            .password = config->redis_password,
            .time_ms = config->redis_ms,
            .connections = 3 }, /* a call, our own account and the freshener */
        .marked = on_marked,
        .asked = on_asked,
        .context = warmer };
    bool ok = warmer->freshener ? cache_open(&warmer->cache, &cache, err)
                                : err_set(err, ERR_LIMIT, "no memory for the warmer");
    warmer->filler = (struct filler){ .bus = bus,
        .cache = warmer->cache,
        .pace = &warmer->pace,
        .most = config->most,
        .call_ms = config->call_ms,
        .may_go_on = may_go_on,
        .context = warmer };
    if (!ok || !freshener_start(warmer->freshener, &warmer->filler, err) || !start_thread(warmer, err)) {
        warmer_close(warmer);
        return false;
    }
    *out_warmer = warmer;
    return true;
}

void warmer_close(struct warmer *warmer)
{
    if (!warmer)
        return;
    atomic_store(&warmer->must_stop, true);
    if (warmer->has_thread)
        pthread_join(warmer->thread, NULL);
    if (warmer->freshener)
        freshener_stop(warmer->freshener);
    rpc_server_close(warmer->server);
    cache_close(warmer->cache);
    freshener_free(warmer->freshener);
    pace_done(&warmer->pace);
    pthread_mutex_destroy(&warmer->called);
    pthread_mutex_destroy(&warmer->lock);
    free(warmer);
}
