#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "cache/cache_group_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cache_group_publish(
    struct cache_group *group, const char *subject, const ProtobufCMessage *message, struct err *err)
{
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = 64 * 1024 };
    if (!wire_encode(&bytes, message, err))
        return false;
    const struct bus_outgoing outgoing = { .subject = subject, .data = bytes.data, .size = bytes.size };
    return bus_publish_plain(group->config.bus, &outgoing, err);
}

void cache_group_wait_until(struct cache_group *group, int64_t until_us)
{
    (void)condition_wait_until(&group->changed, &group->lock, until_us);
}

/* ---- beats ---- */

static void send_beat(struct cache_group *group, bool leaves)
{
    Nwims__V1__CacheBeat beat = NWIMS__V1__CACHE_BEAT__INIT;
    struct err ignored = { 0 }; /* a beat that does not come back says it all */
    pthread_mutex_lock(&group->lock);
    group->sent_us[++group->beat % BEATS_KEPT] = clock_monotonic_us();
    beat.number = group->beat;
    beat.vouches =
        group->is_joined && !atomic_load(&group->has_pending) && redis_state(group->config.redis) != REDIS_ABSENT;
    pthread_mutex_unlock(&group->lock);
    beat.member = group->member;
    beat.has_number = beat.has_vouches = beat.has_has_pending = beat.has_policies_version = true;
    beat.has_pending = atomic_load(&group->has_pending);
    beat.has_leaves = beat.leaves = leaves;
    if (group->config.hooks.policies_version)
        beat.policies_version = group->config.hooks.policies_version(group->config.hooks.context);
    if (!cache_group_publish(group, CACHE_SUBJECT_BEAT, &beat.base, &ignored))
        return;
}

/* The lock is held. The lease had ended before this beat was sent: what others told meanwhile may be missed. */
static void join_anew(struct cache_group *group, int64_t sent_us)
{
    atomic_store(&group->ready_from_us, INT64_MAX);
    if (group->is_joined) {
        metric_add(group->lapses, 1);
        log_warn(NULL, "cache.lease_lapsed", LOG_TEXT("then", "every request asks the owner for a second"));
    }
    group->is_joined = false;
    group->joined_us = sent_us;
}

/* After a reconnection: as if the lease had ended, for what came meanwhile did not come here. */
static void join_again(struct cache_group *group)
{
    pthread_mutex_lock(&group->lock);
    join_anew(group, clock_monotonic_us());
    pthread_mutex_unlock(&group->lock);
    cache_generations_forget_all(group->config.generations);
}

static void on_reconnect(void *context)
{
    struct cache_group *group = context;
    atomic_store(&group->ready_from_us, INT64_MAX); /* at once; the ticker does the rest */
    atomic_store(&group->was_cut_off, true);
}

static void on_own_beat(struct cache_group *group, const Nwims__V1__CacheBeat *beat)
{
    bool is_new = false;
    pthread_mutex_lock(&group->lock);
    if (beat->number + BEATS_KEPT > group->beat && beat->number <= group->beat) {
        int64_t sent_us = group->sent_us[beat->number % BEATS_KEPT];
        is_new = sent_us > atomic_load(&group->lease_until_us);
        if (is_new)
            join_anew(group, sent_us);
        atomic_store(&group->lease_until_us, sent_us + (int64_t)LEASE_MS * 1000);
    }
    pthread_mutex_unlock(&group->lock);
    if (is_new)
        cache_generations_forget_all(group->config.generations);
}

static struct peer *find_peer(struct cache_group *group, const char *member)
{
    for (size_t i = 0; i < group->peer_count; i++)
        if (strcmp(group->peers[i].member, member) == 0)
            return &group->peers[i];
    return NULL;
}

static void remove_peer(struct cache_group *group, struct peer *peer)
{
    *peer = group->peers[--group->peer_count];
    pthread_cond_broadcast(&group->changed);
}

static void on_peer_beat(struct cache_group *group, const Nwims__V1__CacheBeat *beat)
{
    pthread_mutex_lock(&group->lock);
    struct peer *peer = find_peer(group, beat->member);
    if (!peer && !beat->leaves && group->peer_count < MOST_PEERS) {
        peer = &group->peers[group->peer_count++];
        *peer = (struct peer){ 0 };
        snprintf(peer->member, sizeof peer->member, "%s", beat->member);
    }
    group->is_too_many = group->is_too_many || (!peer && !beat->leaves);
    if (peer) {
        peer->heard_us = clock_monotonic_us();
        peer->vouches = beat->vouches;
        peer->has_pending = beat->has_pending;
        peer->has_lapsed = false;
        if (beat->leaves)
            remove_peer(group, peer);
    }
    pthread_mutex_unlock(&group->lock);
    const struct cache_group_hooks *hooks = &group->config.hooks;
    if (hooks->policies_lacking && beat->policies_version < hooks->policies_version(hooks->context))
        hooks->policies_lacking(hooks->context);
}

static void on_statistics(struct cache_group *group, const Nwims__V1__CacheMember *message)
{
    struct cache_statistics statistics;
    if (!cache_statistics_from_message(&statistics, message))
        return;
    pthread_mutex_lock(&group->lock);
    struct peer *peer = find_peer(group, statistics.member);
    if (peer) {
        peer->has_statistics = true;
        peer->statistics = statistics;
    }
    pthread_mutex_unlock(&group->lock);
}

/* ---- what comes over the bus: one subscription for beats and bumps, so that their order is kept ---- */

static void dispatch(struct cache_group *group, const struct bus_message *message, struct arena *arena)
{
    static const struct {
        const char *subject;
        const ProtobufCMessageDescriptor *type;
    } types[] = {
        { CACHE_SUBJECT_BEAT, &nwims__v1__cache_beat__descriptor },
        { CACHE_SUBJECT_BUMP, &nwims__v1__cache_bump__descriptor },
        { CACHE_SUBJECT_POLICIES, &nwims__v1__cache_policies__descriptor },
        { CACHE_SUBJECT_STATISTICS, &nwims__v1__cache_member__descriptor },
    };
    ProtobufCMessage *decoded = NULL;
    struct err ignored = { 0 };
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcmp(bus_message_subject(message), types[i].subject) == 0 &&
            !wire_decode(
                &decoded, arena, types[i].type, bus_message_data(message), bus_message_size(message), &ignored))
            return;
    if (!decoded)
        return;
    if (decoded->descriptor == &nwims__v1__cache_beat__descriptor) {
        const Nwims__V1__CacheBeat *beat = (const Nwims__V1__CacheBeat *)decoded;
        if (beat->member && strlen(beat->member) < UUID_TEXT_SIZE)
            (strcmp(beat->member, group->member) == 0 ? on_own_beat : on_peer_beat)(group, beat);
    } else if (decoded->descriptor == &nwims__v1__cache_bump__descriptor) {
        cache_rounds_on_bump(group, (const Nwims__V1__CacheBump *)decoded);
    } else if (decoded->descriptor == &nwims__v1__cache_member__descriptor) {
        on_statistics(group, (const Nwims__V1__CacheMember *)decoded);
    } else if (group->config.hooks.policies) {
        group->config.hooks.policies(group->config.hooks.context, (const Nwims__V1__CachePolicies *)decoded);
    }
}

static void on_group_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, GROUP_ARENA_BYTES);
    dispatch(context, message, &arena);
}

static void on_ack_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) arena;
    ProtobufCMessage *ack = NULL;
    struct err ignored = { 0 };
    arena_init(&arena, GROUP_ARENA_BYTES);
    if (wire_decode(&ack, &arena, &nwims__v1__cache_ack__descriptor, bus_message_data(message),
            bus_message_size(message), &ignored))
        cache_rounds_on_ack(context, (const Nwims__V1__CacheAck *)ack);
}

static void on_event_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    cache_rounds_on_event(context, bus_message_subject(message));
}

/* ---- the ticker ---- */

/* The lock is held. Long enough here for everybody to know of us. What Redis holds is trusted on another's word only:
 * somebody who was here all the time, and whose every bump reached Redis. */
static void finish_joining(struct cache_group *group, int64_t now_us)
{
    bool somebody_vouches = false, somebody_waits = false;
    for (size_t i = 0; i < group->peer_count; i++) {
        somebody_vouches = somebody_vouches || group->peers[i].vouches;
        somebody_waits = somebody_waits || group->peers[i].has_pending;
    }
    if (!somebody_vouches || somebody_waits)
        cache_rounds_add_pending(group, &(struct cache_marks){ .everything = true });
    group->is_joined = true;
    atomic_store(&group->ready_from_us, now_us);
}

/* A number that was made up here while Redis was away, or not to be trusted for a moment, would keep what depends on it
 * out of Redis for good. Not at each tick: a Redis that is full takes no new number, and our own memory lives by ours.
 */
static void share_again(struct cache_group *group, int64_t now_us, bool is_back)
{
    bool is_time = is_back || now_us - group->shared_again_us >= (int64_t)SHARE_AGAIN_MS * 1000;
    if (!is_time || !cache_group_trusts_redis(group) || !cache_generations_have_unshared(group->config.generations))
        return;
    group->shared_again_us = now_us;
    cache_generations_forget_unshared(group->config.generations);
}

static void tick(struct cache_group *group)
{
    int64_t now_us = clock_monotonic_us();
    pthread_mutex_lock(&group->lock);
    bool has_lease = now_us < atomic_load(&group->lease_until_us);
    for (size_t i = group->peer_count; has_lease && i-- > 0;)
        if (now_us - group->peers[i].heard_us > (int64_t)SILENT_MS * 1000)
            remove_peer(group, &group->peers[i]);
    if (has_lease && !group->is_joined && now_us - group->joined_us >= (int64_t)JOIN_MS * 1000)
        finish_joining(group, now_us);
    metric_set(group->members, (double)(1 + group->peer_count));
    enum redis_state redis = redis_state(group->config.redis);
    bool is_back = redis == REDIS_CLOSED && group->redis_was != REDIS_CLOSED;
    group->redis_was = redis;
    pthread_mutex_unlock(&group->lock);
    cache_rounds_mend(group);
    share_again(group, now_us, is_back);
}

static void tell_statistics(struct cache_group *group)
{
    AUTO_INPLACE(arena) arena;
    struct cache_statistics statistics;
    struct err ignored = { 0 }; /* there is a next time */
    int64_t now_us = clock_monotonic_us();
    arena_init(&arena, GROUP_ARENA_BYTES);
    if (!group->config.hooks.statistics || now_us - group->told_statistics_us < (int64_t)STATISTICS_MS * 1000)
        return;
    group->told_statistics_us = now_us;
    group->config.hooks.statistics(group->config.hooks.context, &statistics);
    Nwims__V1__CacheMember *message = cache_statistics_to_message(&statistics, &arena);
    if (message && !cache_group_publish(group, CACHE_SUBJECT_STATISTICS, &message->base, &ignored))
        return;
}

static void *run_ticker(void *argument)
{
    struct cache_group *group = argument;
    pthread_mutex_lock(&group->lock);
    for (int64_t next_us = clock_monotonic_us(); !group->must_stop;) {
        if (clock_monotonic_us() < next_us) {
            cache_group_wait_until(group, next_us);
            continue;
        }
        pthread_mutex_unlock(&group->lock);
        if (atomic_exchange(&group->was_cut_off, false))
            join_again(group);
        send_beat(group, false);
        tick(group);
        tell_statistics(group);
        next_us = clock_monotonic_us() + (int64_t)BEAT_MS * 1000;
        pthread_mutex_lock(&group->lock);
    }
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

/* ---- questions ---- */

bool cache_group_may_use(const struct cache_group *group, int64_t arrived_us)
{
    return arrived_us < atomic_load_explicit(&group->lease_until_us, memory_order_acquire) &&
           arrived_us >= atomic_load_explicit(&group->ready_from_us, memory_order_acquire);
}

bool cache_group_trusts_redis(const struct cache_group *group)
{
    return redis_state(group->config.redis) == REDIS_CLOSED && !atomic_load(&group->has_pending);
}

struct cache_group_figures cache_group_figures(struct cache_group *group)
{
    pthread_mutex_lock(&group->lock);
    const struct cache_group_figures figures = { .members = 1 + group->peer_count,
        .has_lease = cache_group_may_use(group, clock_monotonic_us()),
        .has_pending = atomic_load(&group->has_pending) };
    pthread_mutex_unlock(&group->lock);
    return figures;
}

const char *cache_group_member(const struct cache_group *group)
{
    return group->member;
}

size_t cache_group_statistics(struct cache_group *group, struct cache_statistics *out_statistics, size_t most)
{
    size_t count = 0;
    pthread_mutex_lock(&group->lock);
    for (size_t i = 0; i < group->peer_count && count < most; i++)
        if (group->peers[i].has_statistics)
            out_statistics[count++] = group->peers[i].statistics;
    pthread_mutex_unlock(&group->lock);
    return count;
}

bool cache_group_tell_policies(
    struct cache_group *group, const struct Nwims__V1__CachePolicies *policies, struct err *err)
{
    return cache_group_publish(group, CACHE_SUBJECT_POLICIES, &policies->base, err);
}

void cache_generation_name(char name[CACHE_GENERATION_NAME_SIZE], int32_t tenant_id, unsigned kind)
{
    if (tenant_id == 0)
        snprintf(name, CACHE_GENERATION_NAME_SIZE, "nwims:g:all");
    else
        snprintf(
            name, CACHE_GENERATION_NAME_SIZE, "nwims:g:%d:%s", (int)tenant_id, cache_kind_name((enum cache_kind)kind));
}

/* ---- life ---- */

static bool start(pthread_t *thread, void *(*run)(void *), struct cache_group *group)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, GROUP_STACK_BYTES);
    bool ok = pthread_create(thread, &attributes, run, group) == 0;
    pthread_attr_destroy(&attributes);
    return ok;
}

static struct cache_group *group_alloc(const struct cache_group_config *config)
{
    struct cache_group *group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    struct uuid id = uuid_new();
    uuid_format(group->member, &id);
    group->config = *config;
    group->rounds.number = 1;
    atomic_store(&group->ready_from_us, INT64_MAX);
    pthread_mutex_init(&group->lock, NULL);
    condition_init(&group->changed);
    group->bumps = metrics_counter("nwims_cache_bumps_total", NULL, "Rounds in which generations were made worthless.");
    group->bumps_broken = metrics_counter(
        "nwims_cache_bumps_broken_total", NULL, "Rounds that could not be confirmed because the bus was away.");
    group->lapses =
        metrics_counter("nwims_cache_lease_lapses_total", NULL, "Times in which the cache was not used for a second.");
    group->members = metrics_gauge("nwims_cache_members", NULL, "Processes that cache together, as seen here.");
    group->waits = metrics_histogram(
        "nwims_cache_bump_seconds", NULL, "How long a write waits until nobody holds what it changed.", NULL, 0);
    return group;
}

bool cache_group_open(struct cache_group **out_group, const struct cache_group_config *config, struct err *err)
{
    struct cache_group *group = group_alloc(config);
    char acks[64];
    if (!group)
        return err_set(err, ERR_LIMIT, "no memory for the cache's group");
    snprintf(acks, sizeof acks, "cache.ack.%s", group->member);
    bool ok = bus_subscribe(&group->acks, config->bus, acks, NULL, on_ack_take, group, err) &&
              bus_subscribe(&group->events, config->bus, "events.>", NULL, on_event_take, group, err) &&
              bus_subscribe(&group->group, config->bus, "cache.group.*", NULL, on_group_take, group, err);
    ok = ok && bus_on_reconnect(config->bus, on_reconnect, group, err);
    *out_group = group; /* what the threads call back may ask for it */
    if (ok) {
        group->has_bumper = start(&group->bumper, cache_rounds_run, group);
        group->has_ticker = group->has_bumper && start(&group->ticker, run_ticker, group);
        ok = group->has_ticker || err_set(err, ERR_LIMIT, "no thread for the cache's group");
    }
    if (!ok)
        cache_group_close(TAKE(*out_group));
    return ok;
}

void cache_group_close(struct cache_group *group)
{
    if (!group)
        return;
    pthread_mutex_lock(&group->lock);
    group->must_stop = true;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
    if (group->has_ticker)
        pthread_join(group->ticker, NULL);
    if (group->has_bumper)
        pthread_join(group->bumper, NULL);
    if (group->has_ticker)
        send_beat(group, true);
    bus_subscription_close(group->group);
    bus_subscription_close(group->events);
    bus_subscription_close(group->acks);
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->lock);
    free(group);
}
