#include "tenant_quota.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "base/map.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/identity.pb-c.h"
#include "rpc/rpc.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TENANTS = 20000, ASK_MS = 2000, ARENA_BYTES = 1024 * 1024, ROUND_MS = 500, MOST_A_ROUND = 50 };
#define DAY_US (INT64_C(86400) * 1000000)
static const int64_t fresh_us = 30 * 1000000, forget_us = INT64_C(3600) * 1000000;

struct tenant {
    int32_t id;
    struct rate rate;
    int64_t readings_a_day; /* 0: no limit; -1: none */
    int64_t stored;         /* readings of this day, as history counted them when it was asked */
    /* What we admitted since: under way; committed, so that the next count has it; only accepted, which the count after
     * the next has for sure. */
    int64_t under_way, committed, accepted, accepted_before;
    int64_t day;
    int64_t asked_us; /* monotonic; 0: never */
    atomic_int_fast64_t used_us;
    bool has_changed; /* identity said so: ask at once */
};

struct tenant_quota {
    struct bus *bus;
    struct tenant_quota_config config;
    struct bus_subscription *events;
    pthread_mutex_t lock; /* guards what follows */
    pthread_rwlock_t
        rates; /* after lock, to change the map or a rate; alone to look at a rate, as every request does */
    pthread_cond_t wake;
    struct map *tenants;
    bool is_closing;
    pthread_t thread;
    bool has_thread;
};

static int64_t today(void)
{
    return clock_now_us() / DAY_US;
}

/* Not at every request: whoever writes takes the line from all who look. */
static void note_use(struct tenant *tenant)
{
    const int64_t now_us = clock_monotonic_us(), often_enough_us = 1000000;
    if (now_us - atomic_load_explicit(&tenant->used_us, memory_order_relaxed) > often_enough_us)
        atomic_store_explicit(&tenant->used_us, now_us, memory_order_relaxed);
}

/* With the lock held. NULL only without memory: then there is no limit. */
static struct tenant *tenant_of(struct tenant_quota *quota, int32_t id)
{
    struct tenant *tenant = map_get(quota->tenants, &id, sizeof id);
    if (!tenant && (tenant = calloc(1, sizeof *tenant))) {
        *tenant = (struct tenant){
            .id = id, .rate = quota->config.preset, .readings_a_day = quota->config.readings_a_day, .day = today()
        };
        pthread_rwlock_wrlock(&quota->rates);
        bool ok = map_put(quota->tenants, &id, sizeof id, tenant, NULL);
        pthread_rwlock_unlock(&quota->rates);
        if (!ok) {
            free(tenant);
            return NULL;
        }
        pthread_cond_signal(&quota->wake);
    }
    if (tenant)
        note_use(tenant);
    return tenant;
}

static bool find_rate(struct tenant_quota *quota, int32_t tenant_id, struct rate *out_rate)
{
    pthread_rwlock_rdlock(&quota->rates);
    struct tenant *tenant = map_get(quota->tenants, &tenant_id, sizeof tenant_id);
    if (tenant) {
        *out_rate = tenant->rate;
        note_use(tenant);
    }
    pthread_rwlock_unlock(&quota->rates);
    return tenant != NULL;
}

static struct rate begin_rate(struct tenant_quota *quota, int32_t tenant_id)
{
    pthread_mutex_lock(&quota->lock);
    const struct tenant *tenant = tenant_of(quota, tenant_id);
    const struct rate rate = tenant ? tenant->rate : (struct rate){ 0 };
    pthread_mutex_unlock(&quota->lock);
    return rate;
}

struct rate tenant_quota_rate(struct tenant_quota *quota, int32_t tenant_id)
{
    struct rate rate;
    if (!find_rate(quota, tenant_id, &rate))
        rate = begin_rate(quota, tenant_id);
    rate.per_second /= (double)quota->config.replicas;
    rate.burst /= (double)quota->config.replicas;
    return rate;
}

static void begin_day(struct tenant *tenant)
{
    if (tenant->day == today())
        return;
    tenant->day = today();
    tenant->stored = tenant->committed = tenant->accepted = tenant->accepted_before = 0;
}

bool tenant_quota_admit(struct tenant_quota *quota, int32_t tenant_id, int64_t readings)
{
    pthread_mutex_lock(&quota->lock);
    struct tenant *tenant = tenant_of(quota, tenant_id);
    bool ok = true;
    if (tenant) {
        begin_day(tenant);
        int64_t used =
            tenant->stored + tenant->under_way + tenant->committed + tenant->accepted + tenant->accepted_before;
        ok = tenant->readings_a_day == 0 || used + readings <= tenant->readings_a_day;
        tenant->under_way += ok ? readings : 0;
    }
    pthread_mutex_unlock(&quota->lock);
    return ok;
}

void tenant_quota_settle(
    struct tenant_quota *quota, int32_t tenant_id, int64_t charged, int64_t taken, bool is_committed)
{
    pthread_mutex_lock(&quota->lock);
    struct tenant *tenant = tenant_of(quota, tenant_id);
    if (tenant) {
        tenant->under_way -= tenant->under_way < charged ? tenant->under_way : charged;
        *(is_committed ? &tenant->committed : &tenant->accepted) += taken;
    }
    pthread_mutex_unlock(&quota->lock);
}

/* ---- keeping fresh ------------------------------------------------------------------------------------------------
 */

/* What was learnt of a tenant while the lock was not held. */
struct answer {
    bool has_quota, has_count;
    struct rate rate;
    int64_t readings_a_day, stored, day;
};

static const Nwims__V1__Tenant *ask_identity(
    struct tenant_quota *quota, const struct rpc_caller *caller, int32_t id, struct arena *arena)
{
    Nwims__V1__TenantId request = NWIMS__V1__TENANT_ID__INIT;
    ProtobufCMessage *reply = NULL;
    struct err err = { 0 };
    request.has_id = true;
    request.id = id;
    if (rpc_call(quota->bus, &nwims__v1__identity__descriptor, "GetTenant", caller, &request.base, ASK_MS, arena,
            &reply, NULL, &err))
        return (const Nwims__V1__Tenant *)reply;
    log_debug(NULL, "quota.unknown", LOG_COUNT("tenant_id", id), LOG_ERR(&err));
    return NULL;
}

static void take_quota(const struct tenant_quota *quota, const Nwims__V1__Tenant *tenant, struct answer *answer)
{
    answer->has_quota = true;
    answer->rate = quota->config.preset;
    answer->readings_a_day = quota->config.readings_a_day;
    const Nwims__V1__Quota *quotas = tenant->quota;
    if (quotas && quotas->has_requests_per_second) {
        answer->rate.per_second = quotas->requests_per_second;
        answer->rate.burst = quotas->has_burst ? quotas->burst : 2 * quotas->requests_per_second;
    }
    if (quotas && quotas->has_readings_per_day)
        answer->readings_a_day = quotas->readings_per_day > 0 ? quotas->readings_per_day : -1; /* none at all */
}

static bool ask_history(
    struct tenant_quota *quota, const struct rpc_caller *caller, struct answer *answer, struct arena *arena)
{
    Nwims__V1__IngestStatisticsRequest request = NWIMS__V1__INGEST_STATISTICS_REQUEST__INIT;
    request.has_is_brief = request.is_brief = true;
    ProtobufCMessage *reply = NULL;
    struct err err = { 0 };
    answer->day = today();
    request.has_from_at = request.has_to_at = true;
    request.from_at = answer->day * DAY_US;
    request.to_at = (answer->day + 1) * DAY_US;
    if (!rpc_call(quota->bus, &nwims__v1__history__descriptor, "GetIngestStatistics", caller, &request.base, ASK_MS,
            arena, &reply, NULL, &err))
        return false;
    answer->stored = ((const Nwims__V1__IngestStatistics *)reply)->stored;
    return true;
}

static struct answer ask(struct tenant_quota *quota, int32_t id)
{
    struct answer answer = { 0 };
    struct arena arena;
    struct rpc_caller caller = {
        .tenant_id = id, .actor = "service:gateway", .permissions = "tenants:read tenants:any readings:read"
    };
    arena_init(&arena, ARENA_BYTES);
    trace_begin(&caller.trace, NULL);
    const Nwims__V1__Tenant *tenant = ask_identity(quota, &caller, id, &arena);
    if (tenant)
        take_quota(quota, tenant, &answer);
    answer.has_count = ask_history(quota, &caller, &answer, &arena);
    arena_done(&arena);
    return answer;
}

/* How things stood when history was asked. */
struct standing {
    int64_t committed, accepted;
};

static void keep(
    struct tenant_quota *quota, struct tenant *tenant, const struct answer *answer, const struct standing *asked)
{
    if (answer->has_quota) {
        pthread_rwlock_wrlock(&quota->rates);
        tenant->rate = answer->rate;
        pthread_rwlock_unlock(&quota->rates);
        tenant->readings_a_day = answer->readings_a_day;
    }
    begin_day(tenant);
    if (!answer->has_count || answer->day != tenant->day || tenant->committed < asked->committed ||
        tenant->accepted < asked->accepted) /* another day began meanwhile */
        return;
    tenant->stored = answer->stored;
    tenant->committed -= asked->committed;
    tenant->accepted -= asked->accepted;
    tenant->accepted_before = asked->accepted;
}

struct round {
    int64_t now_us;
    int32_t due[MOST_A_ROUND], old[MOST_A_ROUND];
    struct standing standing[MOST_A_ROUND];
    size_t due_count, old_count;
};

static bool look_at(void *context, const void *key, size_t key_size, void *value)
{
    struct round *round = context;
    struct tenant *tenant = value;
    (void)key, (void)key_size;
    if (round->now_us - tenant->used_us > forget_us && round->old_count < MOST_A_ROUND)
        round->old[round->old_count++] = tenant->id;
    else if ((tenant->has_changed || tenant->asked_us == 0 ||
                 (round->now_us - tenant->asked_us > fresh_us && tenant->used_us > tenant->asked_us)) &&
             round->due_count < MOST_A_ROUND) {
        tenant->has_changed = false;
        tenant->asked_us = round->now_us;
        round->standing[round->due_count] = (struct standing){ tenant->committed, tenant->accepted };
        round->due[round->due_count++] = tenant->id;
    }
    return true;
}

static void forget(struct tenant_quota *quota, const struct round *round)
{
    pthread_rwlock_wrlock(&quota->rates);
    for (size_t i = 0; i < round->old_count; i++)
        free(map_remove(quota->tenants, &round->old[i], sizeof round->old[i]));
    pthread_rwlock_unlock(&quota->rates);
}

static void *keep_fresh(void *argument)
{
    struct tenant_quota *quota = argument;
    pthread_mutex_lock(&quota->lock);
    while (!quota->is_closing) {
        struct round round = { .now_us = clock_monotonic_us() };
        map_each(quota->tenants, look_at, &round);
        forget(quota, &round);
        for (size_t i = 0; i < round.due_count && !quota->is_closing; i++) {
            pthread_mutex_unlock(&quota->lock);
            struct answer answer = ask(quota, round.due[i]);
            pthread_mutex_lock(&quota->lock);
            struct tenant *tenant = map_get(quota->tenants, &round.due[i], sizeof round.due[i]);
            if (tenant)
                keep(quota, tenant, &answer, &round.standing[i]);
        }
        if (!quota->is_closing && round.due_count == 0)
            (void)condition_wait_until(&quota->wake, &quota->lock, clock_end_us(ROUND_MS));
    }
    pthread_mutex_unlock(&quota->lock);
    return NULL;
}

/* events.<tenant>.tenant */
static void on_event_take(void *context, struct bus_message *message)
{
    struct tenant_quota *quota = context;
    int32_t id = (int32_t)strtol(bus_message_subject(message) + strlen("events."), NULL, 10);
    pthread_mutex_lock(&quota->lock);
    struct tenant *tenant = map_get(quota->tenants, &id, sizeof id);
    if (tenant)
        tenant->has_changed = true;
    pthread_cond_signal(&quota->wake);
    pthread_mutex_unlock(&quota->lock);
    bus_message_close(message);
}

/* ---- life ---------------------------------------------------------------------------------------------------------
 */

bool tenant_quota_open(
    struct tenant_quota **out_quota, struct bus *bus, const struct tenant_quota_config *config, struct err *err)
{
    AUTO(tenant_quota) quota = calloc(1, sizeof *quota);
    if (!quota || !(quota->tenants = map_new(MOST_TENANTS)))
        return err_set(err, ERR_LIMIT, "no memory for the quotas of tenants");
    quota->bus = bus;
    quota->config = *config;
    pthread_mutex_init(&quota->lock, NULL);
    pthread_rwlock_init(&quota->rates, NULL);
    condition_init(&quota->wake);
    if (pthread_create(&quota->thread, NULL, keep_fresh, quota) != 0)
        return err_set(err, ERR_LIMIT, "no thread for the quotas of tenants");
    quota->has_thread = true;
    if (!bus_subscribe(&quota->events, bus, "events.*.tenant", NULL, on_event_take, quota, err))
        return false;
    *out_quota = TAKE(quota);
    return true;
}

void tenant_quota_close(struct tenant_quota *quota)
{
    if (!quota)
        return;
    bus_subscription_close(quota->events);
    if (quota->has_thread) {
        pthread_mutex_lock(&quota->lock);
        quota->is_closing = true;
        pthread_cond_signal(&quota->wake);
        pthread_mutex_unlock(&quota->lock);
        pthread_join(quota->thread, NULL);
    }
    map_free(quota->tenants, free);
    free(quota);
}
