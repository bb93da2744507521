#include "ingest/gather.h"
#include "base/clock.h"
#include "base/map.h"
#include "bus/bus.h"
#include "ingest/gather_batch.h"
#include "ingest/intake_internal.h"
#include "metrics/metrics.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TENANTS = 100000, FULL_WAIT_MS = 250, AWAY_WAIT_MS = 100, LONGEST_BATCH = 20000, CROWDED_WAIT_MS = 5 };

struct gather_tenant {
    int32_t id;
    struct gather_batch *open;
    struct gather_tenant *next_open;
    bool is_listed;   /* among those with an open batch */
    size_t under_way; /* batches that are closed and not settled */
};
struct batch_list {
    struct gather_batch *first, **last;
};
struct gather {
    struct intake *intake;
    struct gather_config config;
    struct bus_publisher *publisher;
    struct map *tenants;
    struct gather_tenant *open; /* those with an open batch */
    struct batch_list waiting;  /* closed, to be sent (again) */
    size_t in_flight, held;
    pthread_mutex_t landed_lock;
    struct batch_list landed;
    struct metric *held_gauge, *batches, *retries, *seconds;
};

/* ---- lists ---- */
static void list_init(struct batch_list *list)
{
    *list = (struct batch_list){ NULL, NULL };
    list->last = &list->first;
}

static void list_add(struct batch_list *list, struct gather_batch *batch)
{
    batch->next = NULL;
    *list->last = batch;
    list->last = &batch->next;
}

static struct gather_batch *list_take_all(struct batch_list *list)
{
    struct gather_batch *first = list->first;
    list_init(list);
    return first;
}

static void free_all(struct gather_batch *batch)
{
    while (batch) {
        struct gather_batch *next = batch->next;
        gather_batch_free(batch);
        batch = next;
    }
}

/* ---- on a thread of the bus ---- */
static void on_published(void *message_context, const struct err *err)
{
    struct gather_batch *batch = message_context;
    struct gather *gather = batch->gather;
    batch->landed = err ? *err : (struct err){ 0 };
    pthread_mutex_lock(&gather->landed_lock);
    bool was_empty = gather->landed.first == NULL;
    list_add(&gather->landed, batch);
    pthread_mutex_unlock(&gather->landed_lock);
    if (was_empty)
        gather->config.wake(gather->config.context);
}

/* ---- opening and closing ---- */
static void make_metrics(struct gather *gather)
{
    gather->held_gauge = metrics_gauge(
        "nwims_ingest_held_readings", NULL, "Readings taken from devices and not stored by the stream yet");
    gather->batches = metrics_counter("nwims_ingest_batches_total", NULL, "Shared batches stored by the stream");
    gather->retries = metrics_counter(
        "nwims_ingest_batch_retries_total", NULL, "Shared batches sent again: stream full, bus away, no answer");
    gather->seconds = metrics_histogram("nwims_ingest_store_seconds", NULL,
        "From a batch's first reading until the stream has stored it, and its devices are told", NULL, 0);
}

bool gather_open(struct gather **out_gather, struct intake *intake, const struct gather_config *config, struct err *err)
{
    if (config->most_readings < 1 || config->most_readings > LONGEST_BATCH)
        return err_set(err, ERR_CONFIG, "a batch has 1 to %d readings", LONGEST_BATCH);
    AUTO(gather) gather = calloc(1, sizeof *gather);
    if (!gather)
        return err_set(err, ERR_LIMIT, "no memory to gather readings");
    gather->intake = intake;
    gather->config = *config;
    list_init(&gather->waiting);
    list_init(&gather->landed);
    pthread_mutex_init(&gather->landed_lock, NULL);
    make_metrics(gather);
    gather->tenants = map_new(MOST_TENANTS);
    if (!gather->tenants)
        return err_set(err, ERR_LIMIT, "no memory to gather readings");
    if (!bus_publisher_open(&gather->publisher, intake->bus, config->most_in_flight, on_published, err))
        return false;
    *out_gather = TAKE(gather);
    return true;
}

static void free_tenant(void *value)
{
    struct gather_tenant *tenant = value;
    gather_batch_free(tenant->open);
    free(tenant);
}

void gather_close(struct gather *gather)
{
    if (!gather)
        return;
    bus_publisher_close(gather->publisher); /* what is in flight lands meanwhile */
    free_all(list_take_all(&gather->landed));
    free_all(list_take_all(&gather->waiting));
    if (gather->tenants)
        map_free(gather->tenants, free_tenant);
    metric_shift(gather->held_gauge, -(int64_t)gather->held);
    pthread_mutex_destroy(&gather->landed_lock);
    free(gather);
}

/* ---- taking ---- */
static struct gather_tenant *tenant_of(struct gather *gather, int32_t id)
{
    struct gather_tenant *tenant = map_get(gather->tenants, &id, sizeof id);
    if (tenant)
        return tenant;
    tenant = calloc(1, sizeof *tenant);
    if (tenant && map_put(gather->tenants, &id, sizeof id, tenant, NULL)) {
        tenant->id = id;
        return tenant;
    }
    free(tenant);
    return NULL;
}

static struct gather_batch *open_batch(struct gather *gather, struct gather_tenant *tenant, int64_t received_at)
{
    if (tenant->open)
        return tenant->open;
    tenant->open = gather_batch_new(gather, tenant);
    if (!tenant->open)
        return NULL;
    tenant->open->opened_us = clock_monotonic_us();
    tenant->open->received_at = received_at;
    if (!tenant->is_listed) {
        tenant->is_listed = true;
        tenant->next_open = gather->open;
        gather->open = tenant;
    }
    return tenant->open;
}

static void settle(struct gather *gather, struct gather_batch *batch, const struct err *err)
{
    size_t count = batch->columns.count;
    gather->held -= count;
    metric_shift(gather->held_gauge, -(int64_t)count);
    if (batch->tenant->under_way > 0)
        batch->tenant->under_way--;
    if (!err) {
        metric_add(gather->intake->accepted, count);
        metric_add(gather->batches, 1);
        metric_observe(gather->seconds, (double)(clock_monotonic_us() - batch->opened_us) / 1e6);
    }
    if (batch->ticket_count > 0)
        gather->config.settled(gather->config.context, batch->tickets, batch->ticket_count, err);
    gather_batch_free(batch);
}

/* The tenant stays listed. */
static void close_batch(struct gather *gather, struct gather_tenant *tenant)
{
    struct gather_batch *batch = TAKE(tenant->open);
    struct err err = { 0 };
    batch->id = uuid_new();
    tenant->under_way++;
    if (gather_batch_close(batch, tenant->id, gather->config.protocol, &err))
        list_add(&gather->waiting, batch);
    else
        settle(gather, batch, &err);
}

bool gather_has_room(const struct gather *gather)
{
    return gather->held < gather->config.most_held;
}

size_t gather_held(const struct gather *gather)
{
    return gather->held;
}

static bool is_full_for(const struct gather *gather, const struct gather_batch *batch, size_t rows, size_t marks)
{
    return batch->columns.count + rows > gather->config.most_readings || batch->mark_count + marks > GATHER_MOST_MARKS;
}

enum gather_outcome gather_put(struct gather *gather, const struct intake_request *request,
    const struct raw_readings *readings, const struct gather_ticket *ticket, struct arena *arena)
{
    const struct batch_source source = { .config = &gather->intake->config,
        .request = request,
        .readings = readings,
        .received_at = clock_now_us(),
        .from_memory = true };
    struct batch_columns columns = { 0 };
    struct refusals refusals;
    struct err err = { 0 };
    if (readings->count == 0 || readings->count > gather->config.most_readings ||
        !refusals_init(&refusals, arena, readings->count, &err) ||
        !batch_build(&columns, gather->intake->directory, &source, &refusals, arena, &err) || refusals.total > 0)
        return GATHER_DIFFICULT;
    struct gather_tenant *tenant = tenant_of(gather, request->caller->tenant_id);
    if (!gather_has_room(gather) || !tenant)
        return GATHER_FULL;
    if (tenant->open && is_full_for(gather, tenant->open, columns.count, readings->mark_count))
        close_batch(gather, tenant);
    struct gather_batch *batch = open_batch(gather, tenant, source.received_at);
    if (!batch || !gather_batch_add(batch, &columns, request, readings, ticket))
        return GATHER_FULL;
    gather->held += columns.count;
    metric_shift(gather->held_gauge, (int64_t)columns.count);
    metric_add(gather->intake->received, columns.count);
    return GATHER_TAKEN;
}

/* ---- a turn ---- */
/* What may be stored by a later try waits for it; a stream that is full stays so for a while. */
static void land(struct gather *gather, struct gather_batch *batch)
{
    bool is_full = batch->landed.kind == ERR_LIMIT;
    gather->in_flight--;
    if (batch->landed.kind == ERR_NONE) {
        settle(gather, batch, NULL);
    } else if (is_full || batch->landed.kind == ERR_TRANSIENT || batch->landed.kind == ERR_DEADLINE) {
        metric_add(gather->retries, 1);
        metric_add(gather->intake->pushed_back, batch->tries == 1 ? batch->columns.count : 0);
        batch->due_us = clock_monotonic_us() + (is_full ? FULL_WAIT_MS : AWAY_WAIT_MS) * INT64_C(1000);
        list_add(&gather->waiting, batch);
    } else {
        settle(gather, batch, &batch->landed);
    }
}

static void land_all(struct gather *gather)
{
    pthread_mutex_lock(&gather->landed_lock);
    struct gather_batch *batch = list_take_all(&gather->landed);
    pthread_mutex_unlock(&gather->landed_lock);
    while (batch) {
        struct gather_batch *next = batch->next;
        land(gather, batch);
        batch = next;
    }
}

/* A batch leaves when none of its tenant is under way, when it is large, or when it has waited: so a lone reading
 * leaves at once and a flood leaves in large batches. */
static bool is_due(const struct gather *gather, const struct gather_tenant *tenant, int64_t now_us, int64_t *next_us)
{
    int64_t due_us = tenant->open->opened_us + gather->config.linger_ms * 1000;
    if (tenant->under_way == 0 || now_us >= due_us || tenant->open->columns.count >= gather->config.most_readings)
        return true;
    *next_us = due_us < *next_us ? due_us : *next_us;
    return false;
}

static int64_t close_due(struct gather *gather, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    struct gather_tenant *tenant = gather->open;
    gather->open = NULL;
    while (tenant) {
        struct gather_tenant *next = tenant->next_open;
        if (tenant->open && is_due(gather, tenant, now_us, &next_us))
            close_batch(gather, tenant);
        tenant->is_listed = tenant->open != NULL;
        if (tenant->is_listed) {
            tenant->next_open = gather->open;
            gather->open = tenant;
        }
        tenant = next;
    }
    return next_us;
}

static bool publish(struct gather *gather, struct gather_batch *batch, struct err *err)
{
    char subject[64], id[UUID_TEXT_SIZE], traceparent[TRACEPARENT_SIZE];
    struct trace trace;
    uuid_format(id, &batch->id);
    trace_begin(&trace, NULL);
    trace_format(traceparent, &trace);
    snprintf(subject, sizeof subject, "readings.%" PRId32 ".%s", batch->tenant->id, gather->config.protocol);
    const struct bus_header headers[] = { { "traceparent", traceparent } };
    const struct bus_outgoing message = { .subject = subject,
        .data = batch->body.data,
        .size = batch->body.size,
        .headers = headers,
        .header_count = COUNT_OF(headers) };
    return bus_publisher_put(gather->publisher, &message, id, batch, 0, err);
}

/* False when the bus takes nothing more just now. */
static bool send_one(struct gather *gather, struct gather_batch *batch, int64_t now_us)
{
    struct err err = { 0 };
    batch->tries++;
    if (publish(gather, batch, &err)) {
        gather->in_flight++;
        return true;
    }
    if (err.kind != ERR_LIMIT && err.kind != ERR_TRANSIENT) {
        settle(gather, batch, &err);
        return true;
    }
    batch->due_us = now_us + (err.kind == ERR_LIMIT ? CROWDED_WAIT_MS : AWAY_WAIT_MS) * INT64_C(1000);
    list_add(&gather->waiting, batch);
    return false;
}

static int64_t send_due(struct gather *gather, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    bool is_taking = true;
    struct gather_batch *batch = list_take_all(&gather->waiting);
    while (batch) {
        struct gather_batch *next = batch->next;
        if (is_taking && batch->due_us <= now_us)
            is_taking = send_one(gather, batch, now_us);
        else
            list_add(&gather->waiting, batch);
        batch = next;
    }
    for (batch = gather->waiting.first; batch; batch = batch->next)
        next_us = batch->due_us < next_us ? batch->due_us : next_us;
    return is_taking ? next_us : now_us + CROWDED_WAIT_MS * INT64_C(1000);
}

int64_t gather_turn(struct gather *gather)
{
    land_all(gather);
    if (!gather->open && !gather->waiting.first)
        return -1;
    int64_t now_us = clock_monotonic_us(), open_us = close_due(gather, now_us), send_us = send_due(gather, now_us);
    int64_t next_us = open_us < send_us ? open_us : send_us;
    if (next_us == INT64_MAX)
        return -1;
    return next_us <= now_us ? 0 : (next_us - now_us + 999) / 1000;
}
