/* Taking rejections up again: within the call, or, above REPLAY_AT_ONCE, as a job that goes through those which it has
 * put its name on. */
#include "bulk.h"
#include "field.h"
#include "replay.h"
#include "service/audit.h"
#include "service/service.h"
#include <stdio.h>
#include <string.h>

#define KIND "rejections.replay"
enum { MOST_IDS = 1000, MOST_OF_A_JOB = 100000, CHUNK = 50, CHUNK_ARENA_BYTES = 64 * 1024 * 1024 };

/* ---- which ---- */
static bool check(struct rpc_call *call, const Nwims__V1__ReplayRejectionsRequest *request, struct err *err)
{
    if ((request->n_ids > 0) == (request->filter != NULL))
        rpc_violation(call, err, "ids", "say which rejections, one way of: ids, filter");
    if (request->n_ids > MOST_IDS)
        rpc_violation(call, err, "ids", "are more than %d: use a filter", MOST_IDS);
    for (size_t i = 0; i < request->n_ids && i < MOST_IDS; i++) {
        char field[24];
        snprintf(field, sizeof field, "ids[%zu]", i);
        field_reference(call, err, field, request->ids[i], true);
    }
    if (request->filter)
        field_reference(call, err, "filter.device_id", request->filter->device_id, false);
    return err->kind == ERR_NONE;
}

/* What was accepted once is not asked for again, unless it is named. */
static void put_choice(struct sql *sql, const Nwims__V1__ReplayRejectionsRequest *request)
{
    if (request->n_ids > 0) {
        size_t ids = sql_param(sql, PARAM_TEXTS((const char *const *)request->ids, request->n_ids));
        sql_put(sql, " AND r.id = ANY($%zu::text[]::uuid[])", ids);
        return;
    }
    refusal_store_put_filter(sql, &request->filter->base);
    sql_put(sql, " AND r.state <> 'accepted'");
}

static bool count_chosen(
    struct work *work, const Nwims__V1__ReplayRejectionsRequest *request, int64_t *out_count, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    sql_param(&sql, PARAM_INT(work->tenant_id));
    sql_put(&sql, "SELECT count(*) FROM refusal r WHERE r.tenant_id = $1");
    put_choice(&sql, request);
    if (!sql_query(&sql, work->session, &rows, err))
        return false;
    *out_count = store_result_int(rows, 0, 0);
    return *out_count <= MOST_OF_A_JOB ||
           rpc_violation(work->call, err, "filter", "selects more than %d rejections: narrow it", MOST_OF_A_JOB);
}

/* ---- what it came to ---- */
static void count(struct job_counts *counts, const struct replay *replays, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        counts->done++;
        counts->unchanged += replays[i].was_accepted;
        counts->updated += !replays[i].was_accepted && !replays[i].detail;
        counts->failed += replays[i].detail != NULL;
    }
}

static size_t list_failures(const struct replay *replays, size_t count, int64_t first, struct job_failure *out_failures)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++)
        if (replays[i].detail)
            out_failures[failed++] = (struct job_failure){
                .index = first + (int64_t)i, .code = replays[i].id, .reason = replays[i].detail, .row = replays[i].id
            };
    return failed;
}

static bool record(struct store_session *session, const struct rpc_caller *caller, const char *id,
    const struct job_counts *counts, struct err *err)
{
    char detail[200], shown[JOB_ID_SIZE];
    job_id_show(shown, "registry", id);
    snprintf(detail, sizeof detail, "{\"items\":%lld,\"updated\":%lld,\"unchanged\":%lld,\"failed\":%lld}",
        (long long)counts->done, (long long)counts->updated, (long long)counts->unchanged, (long long)counts->failed);
    const struct audit_event event = { .action = KIND, .entity = "batch", .entity_id = shown, .detail = detail };
    return audit_put(session, caller, &event, err);
}

static bool show_job(struct work *work, const char *id, Nwims__V1__Job *reply, struct err *err)
{
    char shown[JOB_ID_SIZE];
    const struct job_reader reader = { .tenant_id = work->tenant_id, .owner = "registry" };
    job_id_show(shown, "registry", id);
    return job_get(work->session, &reader, shown, work->call->arena, reply, err);
}

/* ---- within the call ---- */
static bool show_items(struct arena *arena, const struct replay *replays, size_t count, Nwims__V1__Job *reply)
{
    reply->n_items = 0;
    reply->items = arena_alloc_array(arena, count + 1, sizeof *reply->items);
    for (size_t i = 0; reply->items && i < count; i++) {
        Nwims__V1__JobItem *item = (Nwims__V1__JobItem *)wire_new(arena, &nwims__v1__job_item__descriptor);
        if (!item)
            return false;
        item->has_index = true;
        item->index = (int64_t)i;
        item->id = wire_constant(replays[i].id);
        item->outcome = wire_constant(replays[i].was_accepted ? "unchanged" : replays[i].detail ? "failed" : "updated");
        item->reason = wire_constant(replays[i].detail);
        reply->items[reply->n_items++] = item;
    }
    return reply->items != NULL;
}

static bool choose(struct work *work, const Nwims__V1__ReplayRejectionsRequest *request, struct store_result **out_rows,
    struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    sql_param(&sql, PARAM_INT(work->tenant_id));
    sql_put(&sql, "SELECT " REPLAY_COLUMNS " FROM refusal r LEFT JOIN device d ON d.tenant_id = r.tenant_id AND d.id = "
                  "r.device_id WHERE r.tenant_id = $1");
    put_choice(&sql, request);
    sql_put(&sql, " ORDER BY r.received_at, r.id LIMIT %d FOR UPDATE OF r", REPLAY_AT_ONCE);
    return sql_query(&sql, work->session, out_rows, err);
}

static bool replay_now(
    struct work *work, const Nwims__V1__ReplayRejectionsRequest *request, Nwims__V1__Job *reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    struct replay *replays = arena_alloc_array(arena, REPLAY_AT_ONCE, sizeof *replays);
    struct job_failure *failures = arena_alloc_array(arena, REPLAY_AT_ONCE, sizeof *failures);
    struct job_counts counts = { 0 };
    char id[UUID_TEXT_SIZE];
    if (!replays || !failures)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    if (!choose(work, request, &rows, err) ||
        !replay_rows(work->registry->desk, work->session, work->call->caller, rows, replays, arena, err))
        return false;
    size_t done = store_result_rows(rows), failed = list_failures(replays, done, 0, failures);
    count(&counts, replays, done);
    const struct job_order order = { .kind = KIND, .skips_bad = true, .total = (int64_t)done, .heading = "id" };
    return job_record(work->session, work->call->caller, &order, "done", &counts, failures, failed, id, err) &&
           record(work->session, work->call->caller, id, &counts, err) && show_job(work, id, reply, err) &&
           (show_items(arena, replays, done, reply) || err_set(err, ERR_LIMIT, "no memory left for the answer")) &&
           work_commit(work, err);
}

/* ---- as a job ---- */
static bool replay_later(struct work *work, const Nwims__V1__ReplayRejectionsRequest *request, int64_t total,
    Nwims__V1__Job *reply, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    char id[UUID_TEXT_SIZE];
    const struct job_order order = { .kind = KIND, .skips_bad = true, .total = total, .heading = "id" };
    if (!job_create(work->session, work->call->caller, &order, id, err))
        return false;
    sql_param(&sql, PARAM_INT(work->tenant_id));
    sql_param(&sql, PARAM_TEXT(id));
    sql_put(&sql, "UPDATE refusal r SET replay_job = $2::uuid WHERE r.tenant_id = $1");
    put_choice(&sql, request);
    if (!sql_query(&sql, work->session, &rows, err) || !show_job(work, id, reply, err) || !work_commit(work, err))
        return false;
    job_runner_wake(work->registry->jobs);
    return true;
}

bool rejections_replay(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ReplayRejectionsRequest *request = input;
    AUTO_INPLACE(work) work = { 0 };
    int64_t total = 0;
    if (!check(call, request, err) || !work_begin(&work, context, call, "ingest", "write", err) ||
        !work_needs_whole_tenant(&work, err) || !count_chosen(&work, request, &total, err))
        return false;
    bool is_later = total > REPLAY_AT_ONCE || request->respond_async;
    return is_later ? replay_later(&work, request, total, reply, err) : replay_now(&work, request, reply, err);
}

/* A step: some of those that bear the job's name, and that name taken off them, in one transaction. */
static bool step(struct registry *registry, struct job *job, struct arena *arena, size_t *out_done, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    struct replay *replays = arena_alloc_array(arena, CHUNK, sizeof *replays);
    struct job_failure *failures = arena_alloc_array(arena, CHUNK, sizeof *failures);
    struct job_counts counts = job->counts;
    if (!replays || !failures)
        return err_set(err, ERR_LIMIT, "no memory left for a step");
    if (!store_session_open(&session, registry->store, err) || !store_begin(session, job->caller.tenant_id, err) ||
        !store_query(session, &rows,
            "SELECT " REPLAY_COLUMNS " FROM refusal r LEFT JOIN device d ON d.tenant_id = r.tenant_id AND d.id = "
            "r.device_id WHERE r.tenant_id = $1 AND r.replay_job = $2::uuid ORDER BY r.received_at, r.id LIMIT "
            "$3::int4 FOR UPDATE OF r",
            PARAMS(PARAM_INT(job->caller.tenant_id), PARAM_TEXT(job->id), PARAM_INT(CHUNK)), err) ||
        !replay_rows(registry->desk, session, &job->caller, rows, replays, arena, err))
        return false;
    *out_done = store_result_rows(rows);
    size_t failed = list_failures(replays, *out_done, job->position, failures);
    count(&counts, replays, *out_done);
    bool ok = *out_done > 0
                  ? job_step(job, session, job->position + (int64_t)*out_done, &counts, failures, failed, err)
                  : record(session, &job->caller, job->id, &counts, err) && job_finish(job, session, "done", NULL, err);
    return ok && store_commit(session, err);
}

static bool give_up(struct registry *registry, struct job *job, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, registry->store, err) && store_begin(session, job->caller.tenant_id, err) &&
           store_run(session, "UPDATE refusal SET replay_job = NULL WHERE tenant_id = $1 AND replay_job = $2::uuid",
               PARAMS(PARAM_INT(job->caller.tenant_id), PARAM_TEXT(job->id)), NULL, err) &&
           record(session, &job->caller, job->id, &job->counts, err) &&
           job_finish(job, session, "cancelled", "it was cancelled; what was done before stays", err) &&
           store_commit(session, err);
}

bool rejections_replay_job(void *context, struct job *job, struct err *err)
{
    AUTO_INPLACE(arena) arena;
    struct registry *registry = context;
    size_t done = 1;
    arena_init(&arena, CHUNK_ARENA_BYTES);
    while (done > 0 && !job_must_stop(job)) {
        arena_reset(&arena);
        if (!step(registry, job, &arena, &done, err))
            return false;
    }
    bool ok = done == 0 || !job->is_cancelled || give_up(registry, job, err);
    service_outbox_wake(registry->service);
    return ok;
}
