/* Rounds: what several writes made worthless meanwhile is taken out of Redis and told to the others once for all. */
#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "cache/cache_group_internal.h"
#include <stdio.h>
#include <string.h>

/* ---- marks ---- */

static void forget(struct cache_group *group, const struct cache_marks *marks)
{
    if (marks->everything)
        cache_generations_forget_all(group->config.generations);
    for (size_t i = 0; i < marks->count; i++)
        cache_generations_forget(group->config.generations, marks->items[i].tenant_id, marks->items[i].kinds);
    if (group->config.hooks.marked)
        group->config.hooks.marked(group->config.hooks.context, marks);
}

/* The generations go out of Redis; whoever needs one makes a new one. DEL works even when Redis is full. False, too,
 * for who has no Redis: others may. */
static bool delete_from_redis(struct cache_group *group, const struct cache_marks *marks)
{
    char names[REDIS_MOST_COMMANDS][CACHE_GENERATION_NAME_SIZE];
    struct redis_command commands[REDIS_MOST_COMMANDS];
    struct redis_answer answers[REDIS_MOST_COMMANDS];
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = 64 * 1024 };
    size_t count = 0;
    bool ok = true;
    if (marks->everything)
        cache_generation_name(names[count++], 0, CACHE_KIND_ANY);
    for (size_t i = 0; i < marks->count; i++)
        for (unsigned kind = 0; kind < CACHE_KIND_COUNT && count < REDIS_MOST_COMMANDS; kind++)
            if (marks->items[i].kinds & (1u << kind))
                cache_generation_name(names[count++], marks->items[i].tenant_id, kind);
    /* More than fit into one trip: then all of them, in one. */
    if (count == REDIS_MOST_COMMANDS)
        cache_generation_name(names[0], 0, CACHE_KIND_ANY), count = 1;
    for (size_t i = 0; i < count; i++)
        commands[i] = (struct redis_command){ { { "DEL", 3 }, { names[i], strlen(names[i]) } }, 2 };
    ok = redis_run(group->config.redis, commands, count, answers, &texts);
    for (size_t i = 0; ok && i < count; i++)
        ok = answers[i].type == REDIS_NUMBER;
    return ok;
}

void cache_rounds_add_pending(struct cache_group *group, const struct cache_marks *marks)
{
    if (redis_state(group->config.redis) == REDIS_ABSENT)
        return;
    cache_marks_add_all(&group->rounds.pending, marks);
    group->rounds.pending_number++;
    atomic_store(&group->has_pending, true);
}

void cache_rounds_mend(struct cache_group *group)
{
    pthread_mutex_lock(&group->lock);
    struct cache_marks pending = group->rounds.pending;
    uint64_t number = group->rounds.pending_number;
    pthread_mutex_unlock(&group->lock);
    if (cache_marks_is_empty(&pending) || !delete_from_redis(group, &pending))
        return;
    forget(group, &pending);
    pthread_mutex_lock(&group->lock);
    if (number == group->rounds.pending_number) { /* nothing came meanwhile */
        group->rounds.pending = (struct cache_marks){ 0 };
        atomic_store(&group->has_pending, false);
    }
    pthread_mutex_unlock(&group->lock);
}

/* ---- marks on the wire ---- */

static void read_marks(struct cache_marks *out_marks, const Nwims__V1__CacheBump *bump)
{
    *out_marks = (struct cache_marks){ 0 };
    for (size_t i = 0; i < bump->n_marks; i++) {
        const Nwims__V1__CacheMark *mark = bump->marks[i];
        for (size_t k = 0; k < mark->n_kinds; k++)
            cache_marks_add(out_marks, mark->tenant_id, cache_kinds_of_event(mark->kinds[k]));
    }
}

struct wire_marks {
    Nwims__V1__CacheMark items[CACHE_MOST_MARKS];
    Nwims__V1__CacheMark *list[CACHE_MOST_MARKS];
    char *kinds[CACHE_MOST_MARKS][CACHE_KIND_COUNT];
};

static void write_mark(struct wire_marks *wire, size_t at, int32_t tenant_id, unsigned kinds)
{
    Nwims__V1__CacheMark *mark = wire->list[at] = &wire->items[at];
    nwims__v1__cache_mark__init(mark);
    mark->has_tenant_id = true;
    mark->tenant_id = tenant_id;
    mark->kinds = wire->kinds[at];
    for (unsigned kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (kinds & (1u << kind))
            mark->kinds[mark->n_kinds++] = wire_constant(cache_kind_name((enum cache_kind)kind));
}

/* What a round tells the others. */
struct bump {
    const struct cache_marks *marks;
    uint64_t number;
    bool redis_failed;
};

static bool tell(struct cache_group *group, const struct bump *what)
{
    const struct cache_marks *marks = what->marks;
    Nwims__V1__CacheBump bump = NWIMS__V1__CACHE_BUMP__INIT;
    struct wire_marks wire;
    struct err err = { 0 };
    bump.member = group->member;
    bump.has_round = bump.has_redis_failed = true;
    bump.round = what->number;
    bump.redis_failed = what->redis_failed;
    bump.marks = wire.list;
    if (marks->everything)
        write_mark(&wire, bump.n_marks++, 0, cache_kind_bit(CACHE_KIND_ANY));
    for (size_t i = 0; i < marks->count; i++)
        write_mark(&wire, bump.n_marks++, marks->items[i].tenant_id, marks->items[i].kinds);
    return cache_group_publish(group, CACHE_SUBJECT_BUMP, &bump.base, &err);
}

/* ---- one round ---- */

/* The lock is held. */
static bool somebody_is_awaited(const struct cache_group *group)
{
    for (size_t i = 0; i < group->peer_count; i++)
        if (group->peers[i].is_awaited)
            return true;
    return group->is_too_many;
}

/* The lock is held. False if the bus does not give our own bump back. */
static bool await_bus(struct cache_group *group)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)BUMP_LONGEST_MS * 1000;
    while (!group->rounds.was_seen && clock_monotonic_us() < until_us && !group->must_stop)
        cache_group_wait_until(group, until_us);
    return group->rounds.was_seen;
}

/* The lock is held. Waits until everybody in the list has acknowledged, at most until any lease has ended that somebody
 * may hold who has not heard of it; all of that if the list cannot be relied upon, because we have not heard the bus of
 * late. Tells again those who are silent: one that was cut off for less than a lease lasts missed it and goes on. */
static void await_acks(struct cache_group *group, const struct bump *bump)
{
    int64_t now_us = clock_monotonic_us(), end_us = now_us + (int64_t)ACK_MS * 1000;
    bool list_is_good = group->is_joined && now_us < atomic_load(&group->lease_until_us);
    while ((somebody_is_awaited(group) || !list_is_good) && now_us < end_us && !group->must_stop) {
        int64_t again_us = now_us + (int64_t)AGAIN_MS * 1000;
        while (somebody_is_awaited(group) && clock_monotonic_us() < again_us && !group->must_stop)
            cache_group_wait_until(group, again_us);
        now_us = clock_monotonic_us();
        if (!somebody_is_awaited(group) && list_is_good)
            return;
        pthread_mutex_unlock(&group->lock);
        bool is_told = tell(group, bump); /* if not: there is a next time, and an end */
        clock_sleep_ms(is_told ? 1 : AGAIN_MS);
        pthread_mutex_lock(&group->lock);
    }
    for (size_t i = 0; i < group->peer_count; i++) {
        group->peers[i].has_lapsed = group->peers[i].has_lapsed || group->peers[i].is_awaited;
        group->peers[i].is_awaited = false;
    }
}

static bool tell_and_wait(struct cache_group *group, const struct bump *bump)
{
    pthread_mutex_lock(&group->lock);
    group->rounds.awaited_number = bump->number;
    group->rounds.was_seen = false;
    for (size_t i = 0; i < group->peer_count; i++)
        group->peers[i].is_awaited = !group->peers[i].has_lapsed;
    pthread_mutex_unlock(&group->lock);
    if (!tell(group, bump))
        return false;
    pthread_mutex_lock(&group->lock);
    bool was_seen = await_bus(group);
    if (was_seen)
        await_acks(group, bump);
    pthread_mutex_unlock(&group->lock);
    return was_seen;
}

/* Forgotten before, so that this process is true at once, and after: what was learned from Redis meanwhile may be what
 * has just been taken out of it. */
static bool run_round(struct cache_group *group, const struct cache_marks *marks, uint64_t number, bool is_told)
{
    forget(group, marks);
    bool is_out = delete_from_redis(group, marks);
    if (!is_out) {
        pthread_mutex_lock(&group->lock);
        cache_rounds_add_pending(group, marks);
        pthread_mutex_unlock(&group->lock);
    }
    forget(group, marks);
    metric_add(group->bumps, 1);
    if (!is_told || tell_and_wait(group, &(struct bump){ marks, number, !is_out }))
        return true;
    metric_add(group->bumps_broken, 1);
    return false;
}

void *cache_rounds_run(void *argument)
{
    struct cache_group *group = argument;
    struct rounds *rounds = &group->rounds;
    pthread_mutex_lock(&group->lock);
    while (!group->must_stop) {
        if (cache_marks_is_empty(&rounds->next)) {
            pthread_cond_wait(&group->changed, &group->lock);
            continue;
        }
        struct cache_marks marks = rounds->next;
        bool is_told = rounds->next_is_told;
        uint64_t number = rounds->number++;
        rounds->next = (struct cache_marks){ 0 };
        rounds->next_is_told = false;
        pthread_mutex_unlock(&group->lock);
        bool is_whole = run_round(group, &marks, number, is_told);
        pthread_mutex_lock(&group->lock);
        rounds->is_whole = is_whole;
        rounds->done = number;
        pthread_cond_broadcast(&group->changed);
    }
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

bool cache_group_bump(struct cache_group *group, int32_t tenant_id, unsigned kinds)
{
    struct rounds *rounds = &group->rounds;
    int64_t began_us = clock_monotonic_us();
    /* A round that runs, then ours. */
    int64_t until_us = began_us + 2 * (int64_t)(BUMP_LONGEST_MS + ACK_MS) * 1000;
    pthread_mutex_lock(&group->lock);
    cache_marks_add(&rounds->next, tenant_id, kinds);
    rounds->next_is_told = true;
    uint64_t number = rounds->number;
    pthread_cond_broadcast(&group->changed);
    while (rounds->done < number && clock_monotonic_us() < until_us && !group->must_stop)
        cache_group_wait_until(group, until_us);
    bool is_whole = rounds->done >= number && rounds->is_whole;
    pthread_mutex_unlock(&group->lock);
    metric_observe(group->waits, (double)(clock_monotonic_us() - began_us) / 1e6);
    return is_whole;
}

/* ---- what others say ---- */

void cache_rounds_on_bump(struct cache_group *group, const Nwims__V1__CacheBump *bump)
{
    Nwims__V1__CacheAck ack = NWIMS__V1__CACHE_ACK__INIT;
    struct cache_marks marks;
    struct err ignored = { 0 }; /* who does not get it waits for our lease to end */
    char subject[64];
    if (!bump->member || strlen(bump->member) >= UUID_TEXT_SIZE)
        return;
    if (strcmp(bump->member, group->member) == 0) {
        pthread_mutex_lock(&group->lock);
        group->rounds.was_seen = group->rounds.was_seen || bump->round == group->rounds.awaited_number;
        pthread_cond_broadcast(&group->changed);
        pthread_mutex_unlock(&group->lock);
        return;
    }
    read_marks(&marks, bump);
    if (bump->redis_failed) {
        pthread_mutex_lock(&group->lock);
        cache_rounds_add_pending(group, &marks);
        pthread_mutex_unlock(&group->lock);
    }
    forget(group, &marks);
    ack.member = group->member;
    ack.has_round = true;
    ack.round = bump->round;
    snprintf(subject, sizeof subject, "cache.ack.%s", bump->member);
    if (!cache_group_publish(group, subject, &ack.base, &ignored))
        return;
}

void cache_rounds_on_ack(struct cache_group *group, const Nwims__V1__CacheAck *ack)
{
    pthread_mutex_lock(&group->lock);
    for (size_t i = 0; ack->member && ack->round == group->rounds.awaited_number && i < group->peer_count; i++)
        if (strcmp(group->peers[i].member, ack->member) == 0)
            group->peers[i].is_awaited = false;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

/* It comes from the owner, whoever wrote, and reaches every member by itself. */
void cache_rounds_on_event(struct cache_group *group, const char *subject)
{
    const char *tenant = strchr(subject, '.');
    const char *entity = tenant ? strchr(tenant + 1, '.') : NULL;
    int64_t tenant_id;
    unsigned kinds = entity ? cache_kinds_of_event(entity + 1) : 0;
    if (kinds == 0 || !number_parse_int(tenant + 1, (size_t)(entity - tenant - 1), &tenant_id) || tenant_id < 1 ||
        tenant_id > INT32_MAX)
        return;
    pthread_mutex_lock(&group->lock);
    cache_marks_add(&group->rounds.next, (int32_t)tenant_id, kinds);
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}
