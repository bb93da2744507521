#include "cache/redis.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "cache/redis_connection.h"
#include "metrics/metrics.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_CONNECTIONS = 64,
    FAILURES_TO_OPEN = 3, /* in a row */
    FIRST_PAUSE_MS = 200,
    LONGEST_PAUSE_MS = 2000,
    CONNECT_MS = 1000,
    STACK_BYTES = 256 * 1024,
};

struct redis {
    struct redis_place place;
    int64_t time_us;
    size_t most;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct redis_connection *idle[MOST_CONNECTIONS];
    size_t idle_count;
    size_t live_count; /* idle or at work */
    bool must_stop;
    int failures;
    atomic_int state;
    pthread_t mender;
    bool has_mender;
    struct metric *trips, *failed, *busy, *skipped, *is_open;
};

static void set_state(struct redis *redis, enum redis_state state)
{
    if (atomic_exchange(&redis->state, (int)state) == (int)state)
        return;
    metric_set(redis->is_open, state == REDIS_OPEN ? 1 : 0);
    if (state == REDIS_OPEN)
        log_warn(NULL, "redis.left_alone", LOG_TEXT("why", "it does not answer in time; all goes on without it"));
    else
        log_info(NULL, "redis.is_well");
}

enum redis_state redis_state(const struct redis *redis)
{
    return (enum redis_state)atomic_load_explicit(&redis->state, memory_order_relaxed);
}

const char *redis_state_name(enum redis_state state)
{
    static const char *const names[] = { [REDIS_ABSENT] = "absent", [REDIS_OPEN] = "open", [REDIS_CLOSED] = "closed" };
    return names[state];
}

/* ---- what callers do ---- */

static struct redis_connection *take(struct redis *redis)
{
    struct redis_connection *connection = NULL;
    if (redis_state(redis) != REDIS_CLOSED) {
        metric_add(redis->skipped, 1);
        return NULL;
    }
    pthread_mutex_lock(&redis->lock);
    if (redis->idle_count > 0)
        connection = redis->idle[--redis->idle_count];
    pthread_mutex_unlock(&redis->lock);
    if (!connection)
        metric_add(redis->busy, 1);
    return connection;
}

static void give_back(struct redis *redis, struct redis_connection *connection, bool ok)
{
    pthread_mutex_lock(&redis->lock);
    if (ok) {
        redis->failures = 0;
        redis->idle[redis->idle_count++] = connection;
    } else {
        redis->live_count--;
        if (++redis->failures >= FAILURES_TO_OPEN)
            set_state(redis, REDIS_OPEN);
        pthread_cond_signal(&redis->changed);
    }
    pthread_mutex_unlock(&redis->lock);
    if (!ok)
        redis_connection_close(connection);
}

bool redis_run(struct redis *redis, const struct redis_command *commands, size_t count, struct redis_answer *answers,
    struct buffer *texts)
{
    struct redis_connection *connection = take(redis);
    if (!connection)
        return false;
    metric_add(redis->trips, 1);
    bool ok = redis_connection_run(connection, commands, count, answers, texts, clock_monotonic_us() + redis->time_us);
    if (!ok)
        metric_add(redis->failed, 1);
    give_back(redis, connection, ok);
    return ok;
}

/* ---- what the mender does: it alone connects, and it alone finds out whether Redis is well again ---- */

static bool is_quick(struct redis *redis, struct redis_connection *connection)
{
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = 1024 };
    const struct redis_command ping = { { { "PING", 4 } }, 1 };
    struct redis_answer answer;
    return redis_connection_run(connection, &ping, 1, &answer, &texts, clock_monotonic_us() + redis->time_us) &&
           answer.type == REDIS_TEXT;
}

static void drop_idle(struct redis *redis)
{
    struct redis_connection *dropped[MOST_CONNECTIONS];
    pthread_mutex_lock(&redis->lock);
    size_t count = redis->idle_count;
    memcpy(dropped, redis->idle, count * sizeof *dropped);
    redis->idle_count = 0;
    redis->live_count -= count;
    pthread_mutex_unlock(&redis->lock);
    for (size_t i = 0; i < count; i++)
        redis_connection_close(dropped[i]);
}

/* One more connection, if it answers as quickly as callers need it. */
static bool mend_one(struct redis *redis)
{
    if (redis_state(redis) == REDIS_OPEN)
        drop_idle(redis); /* they may be as dead as those that failed */
    struct redis_connection *connection =
        redis_connection_open(&redis->place, clock_monotonic_us() + (int64_t)CONNECT_MS * 1000);
    if (!connection || !is_quick(redis, connection)) {
        redis_connection_close(connection);
        pthread_mutex_lock(&redis->lock);
        if (redis->live_count == 0) /* else there may only be no room for one more */
            set_state(redis, REDIS_OPEN);
        pthread_mutex_unlock(&redis->lock);
        return false;
    }
    pthread_mutex_lock(&redis->lock);
    redis->failures = 0;
    redis->idle[redis->idle_count++] = connection;
    redis->live_count++;
    set_state(redis, REDIS_CLOSED);
    pthread_mutex_unlock(&redis->lock);
    return true;
}

/* Waits until something is to be mended, at least pause_ms; false when told to stop. */
static bool wait_for_work(struct redis *redis, int64_t pause_ms)
{
    int64_t end_us = clock_end_us(pause_ms);
    pthread_mutex_lock(&redis->lock);
    while (!redis->must_stop && pause_ms > 0 && condition_wait_until(&redis->changed, &redis->lock, end_us))
        ;
    while (!redis->must_stop && redis->live_count == redis->most)
        pthread_cond_wait(&redis->changed, &redis->lock);
    bool goes_on = !redis->must_stop;
    pthread_mutex_unlock(&redis->lock);
    return goes_on;
}

static void *mend(void *argument)
{
    struct redis *redis = argument;
    int64_t pause_ms = 0;
    while (wait_for_work(redis, pause_ms)) {
        bool ok = mend_one(redis);
        pause_ms = ok ? 0 : pause_ms == 0 ? FIRST_PAUSE_MS : pause_ms * 2;
        if (pause_ms > LONGEST_PAUSE_MS)
            pause_ms = LONGEST_PAUSE_MS;
    }
    return NULL;
}

/* ---- life ---- */

static bool read_address(struct redis_place *place, const char *address, struct err *err)
{
    const char *colon = strrchr(address, ':');
    int64_t port;
    if (colon && text_copy(place->host, sizeof place->host, address, (size_t)(colon - address)) &&
        number_parse_int(colon + 1, strlen(colon + 1), &port) && port > 0 && port <= 65535) {
        place->port = (int)port;
        return true;
    }
    return err_set(err, ERR_CONFIG, "\"%.80s\" is no address of Redis: say 127.0.0.1:6379", address);
}

static void make_metrics(struct redis *redis)
{
    static const char failures[] = "nwims_redis_failures_total", help[] = "Trips to Redis that gave nothing.";
    redis->trips = metrics_counter("nwims_redis_trips_total", NULL, "Trips to Redis that were begun.");
    redis->failed = metrics_counter(failures, "reason=\"failed\"", help);
    redis->busy = metrics_counter(failures, "reason=\"no_connection\"", help);
    redis->skipped = metrics_counter(failures, "reason=\"breaker\"", help);
    redis->is_open = metrics_gauge("nwims_redis_breaker_open", NULL, "1 while Redis is left alone.");
}

static bool start_mender(struct redis *redis, struct err *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    redis->has_mender = pthread_create(&redis->mender, &attributes, mend, redis) == 0;
    pthread_attr_destroy(&attributes);
    return redis->has_mender || err_set(err, ERR_LIMIT, "no thread for Redis");
}

static struct redis *redis_alloc(const struct redis_config *config)
{
    struct redis *redis = calloc(1, sizeof *redis);
    if (!redis)
        return NULL;
    redis->time_us = config->time_ms * 1000;
    redis->most = config->connections < 1                  ? 1
                  : config->connections > MOST_CONNECTIONS ? MOST_CONNECTIONS
                                                           : (size_t)config->connections;
    pthread_mutex_init(&redis->lock, NULL);
    condition_init(&redis->changed);
    make_metrics(redis);
    return redis;
}

bool redis_open(struct redis **out_redis, const struct redis_config *config, struct err *err)
{
    struct redis *redis = redis_alloc(config);
    if (!redis)
        return err_set(err, ERR_LIMIT, "no memory for Redis");
    snprintf(redis->place.user, sizeof redis->place.user, "%s", config->user);
    snprintf(redis->place.password, sizeof redis->place.password, "%s", config->password);
    atomic_store(&redis->state, *config->address ? REDIS_OPEN : REDIS_ABSENT);
    if (*config->address && (!read_address(&redis->place, config->address, err) || !start_mender(redis, err))) {
        redis_close(redis);
        return false;
    }
    *out_redis = redis;
    return true;
}

void redis_close(struct redis *redis)
{
    if (!redis)
        return;
    pthread_mutex_lock(&redis->lock);
    redis->must_stop = true;
    pthread_cond_signal(&redis->changed);
    pthread_mutex_unlock(&redis->lock);
    if (redis->has_mender)
        pthread_join(redis->mender, NULL);
    drop_idle(redis);
    pthread_cond_destroy(&redis->changed);
    pthread_mutex_destroy(&redis->lock);
    free(redis);
}
