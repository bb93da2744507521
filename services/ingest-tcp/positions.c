#include "positions.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "front/gap_report.h"
#include "front/workers.h"
#include "metrics/metrics.h"
#include "track.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AWAY_WAIT_MS = 20, MOST_TRIES = 8, WRITER_ARENA_BYTES = 4096 };

struct positions {
    struct bus *bus;
    struct net_server *server;
    struct event_outlet *events;
    struct workers *writers;
    position_moved *moved;
    struct uuid owner; /* we */
    pthread_mutex_t lock;
    struct map *by_device;
    struct position *first; /* all that there are */
    struct metric *open, *writes, *retries, *lost, *missing, *late;
};
/* Has its place while someone refers to it: its connection, each frame on its way, the writer, a mail. */
struct position {
    struct positions *positions;
    struct position *previous, *next;
    struct job job;
    struct net_mail mail;
    struct position_key key;
    uint64_t epoch, sequence;    /* sequence: of the last write, in the stream */
    uint64_t committed, written; /* as written: the record; the frames before this one */
    struct sequence_gaps gaps;   /* as written */
    int64_t gaps_told_at_us;     /* monotone */
    struct track track;
    struct net_handle holder;
    uint32_t references;
    bool is_lost, is_writing, is_posted, has_untold_gaps;
};

/* ---- telling what is missing: under the lock ---- */
static void tell_gaps(struct position *position)
{
    gap_report_tell(position->positions->events, &(struct gap_report){ .tenant_id = position->key.tenant_id,
                                                     .device_id = position->key.device_id,
                                                     .protocol = "tcp",
                                                     .epoch = position->epoch,
                                                     .gaps = &position->gaps });
    position->has_untold_gaps = false;
    position->gaps_told_at_us = clock_monotonic_us();
}

static void tell_gaps_if_due(struct position *position)
{
    int64_t since_us = clock_monotonic_us() - position->gaps_told_at_us;
    if (position->has_untold_gaps && since_us >= POSITION_TELL_MS * INT64_C(1000))
        tell_gaps(position);
}

static void set_gaps(struct position *position, const struct sequence_gaps *gaps)
{
    struct positions *positions = position->positions;
    if (gaps->missed == position->gaps.missed && gaps->late == position->gaps.late)
        return;
    metric_add(positions->missing, gaps->missed - position->gaps.missed);
    metric_add(positions->late, gaps->late - position->gaps.late);
    position->gaps = *gaps;
    position->has_untold_gaps = true;
    tell_gaps_if_due(position);
}

/* ---- life: under the lock ---- */
static size_t key_text(char text[64], const struct position_key *key)
{
    int length = snprintf(text, 64, "%" PRId32 "/%s", key->tenant_id, key->device_id);
    return (size_t)length;
}

static struct position *find(const struct positions *positions, const struct position_key *key)
{
    char text[64];
    size_t length = key_text(text, key);
    return map_get(positions->by_device, text, length);
}

/* Nobody finds it any more; who has it goes on until it lets go. */
static void forget(struct position *position)
{
    char text[64];
    if (find(position->positions, &position->key) == position)
        map_remove(position->positions->by_device, text, key_text(text, &position->key));
}

static void unlink_and_free(struct position *position)
{
    struct positions *positions = position->positions;
    if (position->previous)
        position->previous->next = position->next;
    else
        positions->first = position->next;
    if (position->next)
        position->next->previous = position->previous;
    metric_shift(positions->open, -1);
    track_done(&position->track);
    free(position);
}

static void let_go(struct position *position)
{
    if (--position->references > 0)
        return;
    if (position->has_untold_gaps)
        tell_gaps(position);
    forget(position);
    unlink_and_free(position);
}

static struct position *make(
    struct positions *positions, const struct position_key *key, const struct position_value *value, uint64_t sequence)
{
    char text[64];
    struct position *position = calloc(1, sizeof *position);
    if (!position)
        return NULL;
    position->positions = positions;
    position->key = *key;
    position->epoch = value->epoch;
    position->committed = value->committed;
    position->gaps = value->gaps;
    position->sequence = sequence;
    track_init(&position->track, value->committed, &value->gaps);
    if (!map_put(positions->by_device, text, key_text(text, key), position, NULL)) {
        free(position);
        return NULL;
    }
    position->next = positions->first;
    if (positions->first)
        positions->first->previous = position;
    positions->first = position;
    metric_shift(positions->open, 1);
    return position;
}

static struct position_state state_of(const struct position *position)
{
    return (struct position_state){ .committed = position->committed,
        .received = position->track.received,
        .written = position->written,
        .frames = position->track.count,
        .has_untold_gaps = position->has_untold_gaps,
        .is_lost = position->is_lost };
}

/* ---- telling the holder ---- */
static bool same_handle(const struct net_handle *left, const struct net_handle *right)
{
    return left->number == right->number && left->loop == right->loop && left->place == right->place;
}

static void on_mail(void *context, struct net_connection *connection, struct net_mail *mail);

static void post(struct position *position)
{
    if (position->is_posted || position->holder.number == 0)
        return;
    position->is_posted = true;
    position->references++;
    position->mail = (struct net_mail){ .to = position->holder, .handler = on_mail };
    net_post(position->positions->server, &position->mail);
}

static void on_mail(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct position *position = (struct position *)(void *)((char *)mail - offsetof(struct position, mail));
    struct positions *positions = position->positions;
    (void)context;
    pthread_mutex_lock(&positions->lock);
    struct position_state state = state_of(position);
    bool is_holder = same_handle(&mail->to, &position->holder);
    position->is_posted = false;
    if (!is_holder)
        post(position);
    pthread_mutex_unlock(&positions->lock);
    if (connection && is_holder)
        positions->moved(connection, &state);
    pthread_mutex_lock(&positions->lock);
    let_go(position);
    pthread_mutex_unlock(&positions->lock);
}

static void lose(struct position *position)
{
    if (position->is_lost)
        return;
    position->is_lost = true;
    metric_add(position->positions->lost, 1);
    forget(position);
    post(position);
}

/* ---- writing ---- */
/* An answer that was lost leaves us behind our own write; a write of somebody else means that the device is theirs. */
static bool catch_up(struct position *position, uint64_t *out_sequence, struct err *err)
{
    struct positions *positions = position->positions;
    struct position_value value;
    if (!position_store_read(positions->bus, &position->key, &value, out_sequence, err))
        return false;
    if (*out_sequence == 0 ||
        (value.epoch == position->epoch && memcmp(&value.owner, &positions->owner, sizeof value.owner) == 0))
        return true;
    return err_set(err, ERR_CONFLICT, "another replica has the device");
}

static bool write_once(
    struct position *position, const struct position_value *value, uint64_t sequence, uint64_t *out_sequence)
{
    struct positions *positions = position->positions;
    struct err err = { 0 };
    uint64_t current = sequence;
    bool ok = position_store_write(positions->bus, &position->key, value, sequence, out_sequence, &err);
    if (!ok && err.kind == ERR_PRECONDITION)
        ok = catch_up(position, &current, &err) &&
             position_store_write(positions->bus, &position->key, value, current, out_sequence, &err);
    if (ok)
        return true;
    metric_add(positions->retries, 1);
    if (err.kind == ERR_CONFLICT) {
        pthread_mutex_lock(&positions->lock);
        lose(position);
        pthread_mutex_unlock(&positions->lock);
    } else {
        clock_sleep_ms(AWAY_WAIT_MS); /* the stream or the bus is away: it is tried again until it is back */
    }
    return false;
}

static void start_writing(struct position *position);

static void note_written(
    struct position *position, const struct position_value *value, uint64_t frames, uint64_t sequence)
{
    metric_add(position->positions->writes, 1);
    position->sequence = sequence;
    position->committed = value->committed;
    position->written = frames;
    track_forget(&position->track, frames);
    set_gaps(position, &value->gaps);
    post(position);
}

static void run_write(struct job *job, struct arena *arena)
{
    struct position *position = (struct position *)(void *)((char *)job - offsetof(struct position, job));
    struct positions *positions = position->positions;
    uint64_t sequence = 0;
    (void)arena;
    pthread_mutex_lock(&positions->lock);
    const struct position_value value = { .epoch = position->epoch,
        .committed = position->track.settled,
        .gaps = position->track.gaps,
        .owner = positions->owner };
    uint64_t frames = track_settled_before(&position->track), last = position->sequence;
    bool is_wanted = !position->is_lost && frames != position->written;
    pthread_mutex_unlock(&positions->lock);
    bool is_written = is_wanted && write_once(position, &value, last, &sequence);
    pthread_mutex_lock(&positions->lock);
    position->is_writing = false;
    if (is_written)
        note_written(position, &value, frames, sequence);
    start_writing(position);
    let_go(position);
    pthread_mutex_unlock(&positions->lock);
}

static void start_writing(struct position *position)
{
    if (position->is_writing || position->is_lost || track_settled_before(&position->track) == position->written)
        return;
    position->job.run = run_write;
    position->is_writing = true;
    position->references++;
    if (workers_do(position->positions->writers, &position->job))
        return;
    position->is_writing = false; /* only when we stop: the device sends it again */
    position->references--;
}

/* ---- opening and closing ---- */
bool positions_open(struct positions **out_positions, const struct positions_config *config, struct err *err)
{
    struct positions *positions = calloc(1, sizeof *positions);
    if (!positions || !(positions->by_device = map_new(config->most))) {
        free(positions);
        return err_set(err, ERR_LIMIT, "no memory for positions");
    }
    positions->bus = config->bus;
    positions->server = config->server;
    positions->events = config->events;
    positions->moved = config->moved;
    positions->owner = uuid_new();
    pthread_mutex_init(&positions->lock, NULL);
    positions->open = metrics_gauge("nwims_tcp_positions", NULL, "Devices whose position is in memory");
    positions->writes = metrics_counter("nwims_tcp_position_writes_total", NULL, "Positions written to the stream");
    positions->retries =
        metrics_counter("nwims_tcp_position_retries_total", NULL, "Positions that could not be written at once");
    positions->lost = metrics_counter("nwims_tcp_positions_lost_total", NULL,
        "Positions given up: the device went to another replica, or frames of it could not be stored");
    positions->missing = metrics_counter(
        "nwims_tcp_records_missing_total", NULL, "Records that devices passed over or had lost before they came here");
    positions->late = metrics_counter(
        "nwims_tcp_records_late_total", NULL, "Records that were missing and came after all: gaps closed");
    *out_positions = positions;
    /* Twice: lost positions may still be there. */
    return workers_open(
        &positions->writers, "positions", config->threads, 2 * config->most + 1, WRITER_ARENA_BYTES, err);
}

void positions_stop(struct positions *positions)
{
    if (positions)
        workers_stop(positions->writers);
}

void positions_close(struct positions *positions)
{
    if (!positions)
        return;
    workers_close(positions->writers);
    while (positions->first)
        unlink_and_free(positions->first);
    map_free(positions->by_device, NULL);
    pthread_mutex_destroy(&positions->lock);
    free(positions);
}

/* ---- coming in ---- */
static bool check_numbers(const struct hello *hello, uint64_t committed, struct err *err)
{
    if (committed >= hello->next)
        return err_set(err, ERR_INPUT,
            "record %" PRIu64 " is stored and the next one would be %" PRIu64
            ": a store that was wiped needs another epoch",
            committed, hello->next);
    return true;
}

/* Where the device goes on. Records that it does not have any more and that never came are lost: it is said, and gone
 * past. */
static void begin_at(struct position_value *value, const struct hello *hello, uint64_t *out_missing)
{
    if (value->epoch != hello->epoch) /* or nothing is known: 0 records */
        *value = (struct position_value){ .epoch = hello->epoch };
    if (value->committed < hello->acknowledged)
        value->committed = hello->acknowledged;
    *out_missing = hello->oldest > value->committed + 1 ? hello->oldest - 1 - value->committed : 0;
    if (*out_missing > 0)
        sequence_gaps_open(&value->gaps, value->committed + 1, hello->oldest - 1);
    value->committed += *out_missing;
}

static void hold(struct position *position, const struct net_handle *holder, struct position_entry *out_entry)
{
    position->holder = *holder;
    position->references++;
    out_entry->position = position;
    out_entry->state = state_of(position);
}

/* One that is in memory goes on, if it is what the device and the stream speak of. */
static bool hold_existing(struct positions *positions, const struct position_key *key, const struct hello *hello,
    const struct position_value *value, const struct net_handle *holder, struct position_entry *out_entry)
{
    bool is_ours = memcmp(&value->owner, &positions->owner, sizeof value->owner) == 0 && value->epoch == hello->epoch;
    pthread_mutex_lock(&positions->lock);
    struct position *position = find(positions, key);
    bool is_same = position && is_ours && position->epoch == hello->epoch &&
                   hello->oldest <= position->track.received + 1 && hello->next > position->track.received;
    if (position && !is_same)
        lose(position);
    if (is_same)
        hold(position, holder, out_entry);
    pthread_mutex_unlock(&positions->lock);
    return is_same;
}

static bool hold_new(struct positions *positions, const struct position_key *key, const struct position_value *value,
    uint64_t sequence, const struct net_handle *holder, struct position_entry *out_entry)
{
    pthread_mutex_lock(&positions->lock);
    struct position *position = find(positions, key);
    if (position) /* the same device came in twice at once: the later one wins */
        lose(position);
    position = make(positions, key, value, sequence);
    if (position)
        hold(position, holder, out_entry);
    pthread_mutex_unlock(&positions->lock);
    return position != NULL;
}

/* What was told of gaps may have been lost with the process that told it. */
static void tell_gaps_again(struct positions *positions, struct position *position, bool had_gaps, uint64_t missing)
{
    pthread_mutex_lock(&positions->lock);
    metric_add(positions->missing, missing);
    if (had_gaps || position->gaps.missed > 0)
        tell_gaps(position);
    pthread_mutex_unlock(&positions->lock);
}

bool positions_enter(struct positions *positions, const struct directory_device *device, const struct hello *hello,
    const struct net_handle *holder, struct position_entry *out_entry, struct err *err)
{
    struct position_key key = { .tenant_id = device->tenant_id };
    struct position_value value;
    uint64_t sequence;
    memcpy(key.device_id, device->device_id, sizeof key.device_id);
    for (int i = 0; i < MOST_TRIES; i++) {
        *out_entry = (struct position_entry){ 0 };
        *err = (struct err){ 0 };
        if (!position_store_read(positions->bus, &key, &value, &sequence, err))
            return false;
        struct position_value stored = value;
        begin_at(&value, hello, &out_entry->missing);
        if (!check_numbers(hello, value.committed, err))
            return false;
        if (hold_existing(positions, &key, hello, &stored, holder, out_entry)) {
            out_entry->missing = 0;
            tell_gaps_again(positions, out_entry->position, false, 0);
            return true;
        }
        value.owner = positions->owner;
        if (!position_store_write(positions->bus, &key, &value, sequence, &sequence, err)) {
            if (err->kind == ERR_PRECONDITION)
                continue;
            return false;
        }
        if (!hold_new(positions, &key, &value, sequence, holder, out_entry))
            return err_set(err, ERR_LIMIT, "too many devices are connected");
        tell_gaps_again(positions, out_entry->position, stored.gaps.missed > 0, out_entry->missing);
        return true;
    }
    return err_set(err, ERR_TRANSIENT, "the device comes in at several places at once");
}

void position_leave(struct position *position)
{
    struct positions *positions = position->positions;
    pthread_mutex_lock(&positions->lock);
    let_go(position);
    pthread_mutex_unlock(&positions->lock);
}

/* ---- frames ---- */
void position_look(struct position *position, struct position_state *out_state)
{
    pthread_mutex_lock(&position->positions->lock);
    *out_state = state_of(position);
    pthread_mutex_unlock(&position->positions->lock);
}

void position_tell_gaps(struct position *position)
{
    pthread_mutex_lock(&position->positions->lock);
    tell_gaps_if_due(position);
    pthread_mutex_unlock(&position->positions->lock);
}

bool position_may_lack(struct position *position, uint64_t first, uint64_t last)
{
    pthread_mutex_lock(&position->positions->lock);
    bool may_lack = track_may_lack(&position->track, first, last);
    pthread_mutex_unlock(&position->positions->lock);
    return may_lack;
}

bool position_put(
    struct position *position, const struct net_handle *holder, uint64_t first, uint64_t last, uint64_t *out_number)
{
    pthread_mutex_lock(&position->positions->lock);
    bool ok = !position->is_lost && same_handle(holder, &position->holder) &&
              track_may_lack(&position->track, first, last) && track_reserve(&position->track);
    if (ok) {
        *out_number = track_put(&position->track, first, last);
        position->references++;
    }
    pthread_mutex_unlock(&position->positions->lock);
    return ok;
}

void position_take_back(struct position *position, uint64_t number)
{
    struct positions *positions = position->positions;
    pthread_mutex_lock(&positions->lock);
    if (!track_take_back(&position->track, number))
        lose(position); /* it came again meanwhile, and more after it: the device begins where we are sure */
    let_go(position);
    pthread_mutex_unlock(&positions->lock);
}

void position_settle(struct position *position, uint64_t number)
{
    struct positions *positions = position->positions;
    pthread_mutex_lock(&positions->lock);
    if (track_settle(&position->track, number))
        start_writing(position);
    let_go(position);
    pthread_mutex_unlock(&positions->lock);
}

void position_abandon(struct position *position)
{
    struct positions *positions = position->positions;
    pthread_mutex_lock(&positions->lock);
    lose(position);
    let_go(position);
    pthread_mutex_unlock(&positions->lock);
}
