#include "base/clock.h"
#include "base/condition.h"
#include "live/live_internal.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void chunk_release(struct live_chunk *chunk)
{
    if (atomic_fetch_sub(&chunk->references, 1) == 1)
        free(chunk);
}

static void drop_first(struct live_group *group)
{
    struct live_chunk *chunk = group->ring[group->first % RING_EVENTS];
    group->ring_bytes -= chunk->size;
    group->ring[group->first++ % RING_EVENTS] = NULL;
    chunk_release(chunk);
}

void live_ring_put(struct live_group *group, const char *type, const char *data, size_t size)
{
    struct live_chunk *chunk = malloc(sizeof *chunk + size);
    while (group->first < group->next_number &&
           (group->next_number - group->first == RING_EVENTS || group->ring_bytes + size > RING_BYTES))
        drop_first(group);
    if (!chunk) { /* a hole that every watcher notices */
        while (group->first < group->next_number)
            drop_first(group);
        group->first = ++group->next_number;
        return;
    }
    atomic_init(&chunk->references, 1);
    chunk->type = type;
    chunk->number = group->next_number;
    chunk->size = size;
    memcpy(chunk->data, data, size);
    group->ring[group->next_number++ % RING_EVENTS] = chunk;
    group->ring_bytes += size;
    pthread_cond_broadcast(&group->changed);
}

void live_ring_flush(struct live_group *group)
{
    if (group->pending.size == 0)
        return;
    buffer_put_text(&group->pending, "]}");
    if (buffer_ok(&group->pending))
        live_ring_put(group, "readings", group->pending.data, group->pending.size);
    buffer_reset(&group->pending);
}

void live_ring_free(struct live_group *group)
{
    while (group->first < group->next_number)
        drop_first(group);
}

/* ---- watchers -----------------------------------------------------------------------------------------------------
 */

bool live_watch(struct live_watcher **out_watcher, struct live *live, const struct rpc_caller *caller,
    const struct live_filter *filter, struct arena *arena, struct err *err)
{
    struct live_watcher *watcher = calloc(1, sizeof *watcher);
    if (!watcher)
        return err_set(err, ERR_LIMIT, "no memory for a watcher");
    if (!live_group_join(&watcher->group, live, caller, filter, arena, err)) {
        free(watcher);
        return false;
    }
    pthread_mutex_lock(&watcher->group->lock);
    watcher->next = watcher->group->next_number;
    pthread_mutex_unlock(&watcher->group->lock);
    metric_shift(live->watching, 1);
    *out_watcher = watcher;
    return true;
}

size_t live_watchers(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    size_t count = live->watchers;
    pthread_mutex_unlock(&live->lock);
    return count;
}

void live_unwatch(struct live_watcher *watcher)
{
    if (!watcher)
        return;
    metric_shift(watcher->group->live->watching, -1);
    live_group_leave(watcher->group);
    free(watcher);
}

bool live_resume(struct live_watcher *watcher, const char *last_event_id)
{
    struct live_group *group = watcher->group;
    size_t length = strlen(group->live->instance);
    char *end;
    if (strncmp(last_event_id, group->live->instance, length) != 0 || last_event_id[length] != '-')
        return false;
    errno = 0;
    uint64_t number = strtoull(last_event_id + length + 1, &end, 10);
    if (errno || *end)
        return false;
    pthread_mutex_lock(&group->lock);
    bool ok = number < group->next_number && number + 1 >= group->first;
    if (ok)
        watcher->next = number + 1;
    pthread_mutex_unlock(&group->lock);
    return ok;
}

static void fill(struct live_event *event, const struct live_group *group, struct live_chunk *chunk)
{
    atomic_fetch_add(&chunk->references, 1);
    *event = (struct live_event){ .type = chunk->type, .data = chunk->data, .size = chunk->size, .chunk = chunk };
    snprintf(event->id, sizeof event->id, "%s-%" PRIu64, group->live->instance, chunk->number);
}

enum live_answer live_next(struct live_watcher *watcher, int64_t wait_ms, struct live_event *out_event)
{
    struct live_group *group = watcher->group;
    int64_t end_us = clock_end_us(wait_ms);
    enum live_answer answer = LIVE_NOTHING;
    pthread_mutex_lock(&group->lock);
    while (watcher->next == group->next_number && condition_wait_until(&group->changed, &group->lock, end_us))
        ;
    if (watcher->next < group->first) {
        answer = LIVE_LOST;
        watcher->next = group->next_number;
    } else if (watcher->next < group->next_number) {
        fill(out_event, group, group->ring[watcher->next++ % RING_EVENTS]);
        answer = LIVE_EVENT;
    }
    pthread_mutex_unlock(&group->lock);
    if (answer == LIVE_LOST)
        metric_add(group->live->lost, 1);
    if (answer == LIVE_EVENT)
        metric_add(group->live->sent, 1);
    return answer;
}

void live_event_done(struct live_event *event)
{
    if (event->chunk)
        chunk_release(event->chunk);
    event->chunk = NULL;
}
