#include "service/audit_trail.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/text.h"
#include "metrics/metrics.h"
#include "service/audit_internal.h"
#include "service/audit_sampler.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_QUEUED = 8192,
    NEARLY_FULL = MOST_QUEUED / 4 * 3,
    PUBLISH_MS = 3000,
    STEP_MS = 200,
    LONGEST_PAUSE_MS = 2000,
    LAST_MS = 3000,
    COLLECT_EVERY_MS = 60000,
    MOST_NAMED = 100
};

/* Whose records were left out, as far as there is a place. */
struct suppressed {
    int32_t tenant_id;
    char peer[48], actor[RPC_ACTOR_SIZE], action[48];
    uint64_t count;
};
struct audit_trail {
    struct bus *bus;
    const char *name;
    struct queue *queue;  /* of struct audit_encoded on the heap */
    pthread_mutex_t lock; /* guards the sampler and kinds */
    struct audit_sampler sampler;
    struct suppressed kinds[AUDIT_SAMPLER_PLACES];
    pthread_t thread;
    atomic_bool is_closing;
    bool was_well;
    int64_t collect_at, give_up_at; /* monotonic */
    struct metric *published, *failures, *dropped, *suppressed, *queued;
};

static void record_free(struct audit_encoded *record)
{
    if (!record)
        return;
    buffer_done(&record->payload);
    free(record);
}

/* ---- queueing ------------------------------------------------------------------------------------------------------
 */
static void drop(struct audit_trail *trail, const struct audit_event *event, const char *why)
{
    metric_add(trail->dropped, 1);
    log_error(NULL, "audit.dropped", LOG_TEXT("action", event->action), LOG_TEXT("err", why));
}

static struct audit_encoded *encode(
    struct audit_trail *trail, const struct rpc_caller *caller, const struct audit_event *event)
{
    struct err err = { 0 };
    struct audit_encoded *record = calloc(1, sizeof *record);
    if (record && audit_encode(record, caller, event, &err))
        return record;
    drop(trail, event, record ? err.text : "no memory for a record");
    record_free(record);
    return NULL;
}

static void push_take(struct audit_trail *trail, struct audit_encoded *record, const struct audit_event *event)
{
    if (queue_push(trail->queue, record, 0)) {
        metric_set(trail->queued, (double)queue_count(trail->queue));
        return;
    }
    record_free(record);
    drop(trail, event, "the queue of audit records is full");
}

bool audit_trail_has_room(struct audit_trail *trail)
{
    return queue_count(trail->queue) < NEARLY_FULL;
}

void audit_trail_put(struct audit_trail *trail, const struct rpc_caller *caller, const struct audit_event *event)
{
    struct audit_encoded *record = encode(trail, caller, event);
    if (record)
        push_take(trail, TAKE(record), event);
}

static uint64_t kind_of(const struct rpc_caller *caller, const struct audit_event *event)
{
    char text[512];
    int length = snprintf(text, sizeof text, "%s|%d|%s|%s|%s|%s", caller->peer, (int)caller->tenant_id, caller->actor,
        event->action, event->entity ? event->entity : "", event->entity_id ? event->entity_id : "");
    return text_hash(text, length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static void name_kind(struct suppressed *kind, const struct rpc_caller *caller, const struct audit_event *event)
{
    kind->tenant_id = event->tenant_id ? event->tenant_id : caller->tenant_id;
    snprintf(kind->peer, sizeof kind->peer, "%s", caller->peer);
    snprintf(kind->actor, sizeof kind->actor, "%s", event->actor ? event->actor : caller->actor);
    snprintf(kind->action, sizeof kind->action, "%s", event->action);
}

void audit_trail_refused(struct audit_trail *trail, const struct rpc_caller *caller, const struct audit_event *event)
{
    size_t place;
    uint64_t kind = kind_of(caller, event);
    pthread_mutex_lock(&trail->lock);
    bool is_wanted = audit_sampler_take(&trail->sampler, kind, clock_monotonic_us(), &place);
    if (!is_wanted)
        name_kind(&trail->kinds[place], caller, event);
    pthread_mutex_unlock(&trail->lock);
    if (is_wanted)
        audit_trail_put(trail, caller, event);
    else
        metric_add(trail->suppressed, 1);
}

void audit_trail_publish(
    struct audit_trail *trail, const struct rpc_caller *caller, const struct audit_event *event, int64_t timeout_ms)
{
    struct err err = { 0 };
    struct audit_encoded *record = encode(trail, caller, event);
    if (!record)
        return;
    if (audit_publish_encoded(trail->bus, record, timeout_ms, &err)) {
        metric_add(trail->published, 1);
        record_free(record);
    } else {
        push_take(trail, TAKE(record), event); /* under the same id: if it got there after all, it is there once */
    }
}

/* ---- publishing ----------------------------------------------------------------------------------------------------
 */
/* A fault is logged when it begins and when it is over; each try is counted. */
static void note(struct audit_trail *trail, bool ok, const struct err *err)
{
    metric_add(ok ? trail->published : trail->failures, 1);
    if (ok && !trail->was_well)
        log_info(NULL, "audit.goes_on");
    if (!ok && trail->was_well)
        log_warn(NULL, "audit.waiting", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
    trail->was_well = ok;
}

/* Once closing, no longer than LAST_MS altogether. */
static bool may_go_on(struct audit_trail *trail)
{
    if (!atomic_load(&trail->is_closing))
        return true;
    if (trail->give_up_at == 0)
        trail->give_up_at = clock_monotonic_us() + LAST_MS * INT64_C(1000);
    return clock_monotonic_us() < trail->give_up_at;
}

static void publish(struct audit_trail *trail, const struct audit_encoded *record)
{
    for (int64_t pause_ms = STEP_MS; may_go_on(trail); pause_ms *= 2) {
        struct err err = { 0 };
        int64_t timeout_ms = atomic_load(&trail->is_closing) ? LAST_MS / 3 : PUBLISH_MS;
        bool ok = audit_publish_encoded(trail->bus, record, timeout_ms, &err);
        note(trail, ok, &err);
        if (ok)
            return;
        if (pause_ms > LONGEST_PAUSE_MS)
            pause_ms = LONGEST_PAUSE_MS;
        for (int64_t left = pause_ms; left > 0 && may_go_on(trail); left -= STEP_MS)
            clock_sleep_ms(STEP_MS);
    }
    metric_add(trail->dropped, 1);
}

/* ---- what was left out -------------------------------------------------------------------------------------------
 */
/* The kinds of which records were left out, and how many of all others. */
static size_t collect(struct audit_trail *trail, struct suppressed named[MOST_NAMED], uint64_t *out_others)
{
    size_t count = 0;
    pthread_mutex_lock(&trail->lock);
    *out_others = audit_sampler_collect_unplaced(&trail->sampler);
    for (size_t place = 0; place < AUDIT_SAMPLER_PLACES; place++) {
        uint64_t suppressed = audit_sampler_collect(&trail->sampler, place);
        if (suppressed > 0 && count < MOST_NAMED) {
            named[count] = trail->kinds[place];
            named[count++].count = suppressed;
        } else {
            *out_others += suppressed;
        }
    }
    pthread_mutex_unlock(&trail->lock);
    return count;
}

static void record_one(struct audit_trail *trail, const struct suppressed *kind)
{
    char detail[256];
    struct rpc_caller caller = { .tenant_id = kind->tenant_id };
    if (*kind->action)
        snprintf(detail, sizeof detail, "{\"action\":\"%s\",\"records\":%llu}", kind->action,
            (unsigned long long)kind->count);
    else
        snprintf(detail, sizeof detail, "{\"records\":%llu}", (unsigned long long)kind->count);
    snprintf(caller.peer, sizeof caller.peer, "%s", kind->peer);
    trace_begin(&caller.trace, NULL);
    audit_trail_put(trail, &caller,
        &(struct audit_event){
            .action = "audit.suppressed", .outcome = "refused", .detail = detail, .actor = kind->actor });
}

/* Who hammers is named with a number, a hundred a minute; of whoever else it is one number. */
static void record_suppressed(struct audit_trail *trail)
{
    struct suppressed named[MOST_NAMED], others = { 0 };
    size_t count = collect(trail, named, &others.count);
    for (size_t i = 0; i < count; i++)
        record_one(trail, &named[i]);
    snprintf(others.actor, sizeof others.actor, "service:%.40s", trail->name);
    if (others.count > 0)
        record_one(trail, &others);
}

static void *run(void *context)
{
    struct audit_trail *trail = context;
    for (;;) {
        struct audit_encoded *record = queue_pop(trail->queue, STEP_MS);
        if (record) {
            publish(trail, record);
            record_free(record);
            metric_set(trail->queued, (double)queue_count(trail->queue));
        } else if (atomic_load(&trail->is_closing)) {
            return NULL;
        }
        if (!atomic_load(&trail->is_closing) && clock_monotonic_us() >= trail->collect_at) {
            record_suppressed(trail);
            trail->collect_at = clock_monotonic_us() + COLLECT_EVERY_MS * INT64_C(1000);
        }
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */
static struct audit_trail *trail_new(struct bus *bus, const char *name)
{
    struct audit_trail *trail = calloc(1, sizeof *trail);
    if (!trail)
        return NULL;
    trail->bus = bus;
    trail->name = name;
    trail->was_well = true;
    trail->queue = queue_new(MOST_QUEUED);
    pthread_mutex_init(&trail->lock, NULL);
    audit_sampler_init(&trail->sampler, clock_monotonic_us());
    trail->collect_at = clock_monotonic_us() + COLLECT_EVERY_MS * INT64_C(1000);
    trail->published = metrics_counter("nwims_audit_published_total", NULL, "Audit records published.");
    trail->failures =
        metrics_counter("nwims_audit_failures_total", NULL, "Tries to publish an audit record that failed.");
    trail->dropped =
        metrics_counter("nwims_audit_dropped_total", NULL, "Audit records that were lost. Anything but 0 is an alarm.");
    trail->suppressed = metrics_counter(
        "nwims_audit_suppressed_total", NULL, "Refused accesses beyond those of a kind that are recorded.");
    trail->queued = metrics_gauge("nwims_audit_queued_records", NULL, "Audit records that wait to be published.");
    return trail;
}

static void trail_free(struct audit_trail *trail)
{
    queue_free(trail->queue);
    pthread_mutex_destroy(&trail->lock);
    free(trail);
}

bool audit_trail_open(struct audit_trail **out_trail, struct bus *bus, const char *name, struct err *err)
{
    struct audit_trail *trail = trail_new(bus, name);
    if (trail && trail->queue && pthread_create(&trail->thread, NULL, run, trail) == 0) {
        *out_trail = trail;
        return true;
    }
    if (trail)
        trail_free(trail);
    return err_set(err, ERR_LIMIT, "no memory or thread for audit records");
}

void audit_trail_close(struct audit_trail *trail)
{
    if (!trail)
        return;
    record_suppressed(trail);
    atomic_store(&trail->is_closing, true);
    queue_close(trail->queue);
    pthread_join(trail->thread, NULL);
    trail_free(trail);
}
