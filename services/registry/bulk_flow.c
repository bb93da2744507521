/* How a bulk operation goes: within its call, or as a job in steps. */
#include "auth/auth.h"
#include "bulk.h"
#include "entity_api.h"
#include "import_tokens.h"
#include "nwims/v1/common.pb-c.h"
#include "service/audit.h"
#include "service/service.h"
#include <stdio.h>
#include <string.h>

enum { CHUNK_ARENA_BYTES = 32 * 1024 * 1024 };

bool bulk_read_options(
    struct rpc_call *call, const Nwims__V1__BulkOptions *options, struct bulk_wish *out_wish, struct err *err)
{
    const char *on_error = options && options->on_error ? options->on_error : "abort";
    if (strcmp(on_error, "abort") != 0 && strcmp(on_error, "skip") != 0)
        return rpc_violation(call, err, "on_error", "say abort or skip");
    out_wish->skips_bad = strcmp(on_error, "skip") == 0;
    out_wish->is_dry_run = options && options->dry_run;
    out_wish->makes_tokens = options && options->tokens;
    if (out_wish->makes_tokens && out_wish->kind->entity != &device_entity)
        return rpc_violation(call, err, "tokens", "are for an import of devices");
    return true;
}

/* One record of the whole. */
static bool record(struct work *work, const struct bulk_wish *wish, const char *id, const struct job_counts *counts,
    const char *outcome, struct err *err)
{
    char detail[300], shown[JOB_ID_SIZE];
    job_id_show(shown, "registry", id);
    snprintf(detail, sizeof detail,
        "{\"items\":%lld,\"created\":%lld,\"updated\":%lld,\"unchanged\":%lld,\"failed\":%lld,\"on_error\":\"%s\","
        "\"dry_run\":%s}",
        (long long)counts->done, (long long)counts->created, (long long)counts->updated, (long long)counts->unchanged,
        (long long)counts->failed, wish->skips_bad ? "skip" : "abort", wish->is_dry_run ? "true" : "false");
    const struct audit_event event = {
        .action = wish->kind->name, .entity = "batch", .entity_id = shown, .outcome = outcome, .detail = detail
    };
    return audit_put(work->session, work->call->caller, &event, err);
}

static size_t list_failures(const struct bulk_item *items, size_t count, struct job_failure *failures)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].outcome, "failed") == 0)
            failures[failed++] = (struct job_failure){ .index = items[i].index,
                .line = items[i].line,
                .code = items[i].name,
                .field = items[i].field,
                .reason = items[i].reason,
                .row = items[i].row };
    return failed;
}

/* ---- within the call ---- */
static bool show_items(const struct bulk_item *items, size_t count, struct arena *arena, Nwims__V1__Job *reply)
{
    reply->n_items = 0;
    reply->items = arena_alloc_array(arena, count + 1, sizeof *reply->items);
    Nwims__V1__JobItem *shown = arena_alloc_array(arena, count + 1, sizeof *shown);
    if (!reply->items || !shown)
        return false;
    for (size_t i = 0; i < count; i++) {
        nwims__v1__job_item__init(&shown[i]);
        shown[i].has_index = true;
        shown[i].index = items[i].index;
        shown[i].has_line = items[i].line > 0;
        shown[i].line = items[i].line;
        shown[i].code = (char *)(uintptr_t)items[i].name;
        shown[i].id = *items[i].id ? arena_text(arena, items[i].id) : NULL;
        shown[i].outcome = (char *)(uintptr_t)items[i].outcome;
        shown[i].field = (char *)(uintptr_t)items[i].field;
        shown[i].reason = (char *)(uintptr_t)items[i].reason;
        reply->items[reply->n_items++] = &shown[i];
    }
    return true;
}

static bool show_job(struct work *work, const char *id, Nwims__V1__Job *reply, struct err *err)
{
    char shown[JOB_ID_SIZE];
    const struct job_reader reader = { .tenant_id = work->tenant_id, .owner = "registry" };
    job_id_show(shown, "registry", id);
    return job_get(work->session, &reader, shown, work->call->arena, reply, err);
}

/* Nothing was changed: the record of the try goes into a transaction of its own. */
static bool begin_anew(struct work *work, struct err *err)
{
    store_rollback(work->session);
    return store_begin(work->session, work->tenant_id, err);
}

bool bulk_do_now(struct work *work, const struct bulk_wish *wish, const struct bulk_source *source,
    Nwims__V1__Job *reply, struct err *err)
{
    struct arena *arena = work->call->arena;
    struct job_counts counts = { 0 };
    size_t count = 0;
    char id[UUID_TEXT_SIZE];
    struct bulk_item *items = arena_alloc_array(arena, BULK_AT_ONCE, sizeof *items);
    struct job_failure *failures = arena_alloc_array(arena, BULK_AT_ONCE, sizeof *failures);
    if (!items || !failures)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    if (!source->next(source->context, work, items, BULK_AT_ONCE, &count, err) ||
        !bulk_apply(work, wish->kind, items, count, &counts, err))
        return false;
    bool is_refused = counts.failed > 0 && !wish->skips_bad && !wish->is_dry_run;
    const struct job_order order = { .kind = wish->kind->name,
        .is_dry_run = wish->is_dry_run,
        .skips_bad = wish->skips_bad,
        .total = (int64_t)count,
        .heading = source->heading };
    if (is_refused)
        counts.created = counts.updated = counts.unchanged = 0;
    size_t failed = list_failures(items, count, failures);
    return ((!is_refused && !wish->is_dry_run) || begin_anew(work, err)) &&
           job_record(work->session, work->call->caller, &order, is_refused ? "failed" : "done", &counts, failures,
               failed, id, err) &&
           (!wish->makes_tokens || is_refused || wish->is_dry_run || import_tokens_make(work, id, items, count, err)) &&
           record(work, wish, id, &counts, is_refused ? "refused" : NULL, err) && show_job(work, id, reply, err) &&
           (show_items(items, count, arena, reply) || err_set(err, ERR_LIMIT, "no memory left for the answer")) &&
           work_commit(work, err);
}

/* ---- as a job ---- */
bool bulk_do_later(struct work *work, const struct bulk_wish *wish, const void *request, size_t request_size,
    char out_id[UUID_TEXT_SIZE], struct err *err)
{
    const struct job_order order = { .kind = wish->kind->name,
        .is_dry_run = wish->is_dry_run,
        .skips_bad = wish->skips_bad,
        .total = wish->total,
        .request = request,
        .request_size = request_size };
    return job_create(work->session, work->call->caller, &order, out_id, err);
}

bool bulk_answer_later(struct work *work, const char *id, Nwims__V1__Job *reply, struct err *err)
{
    if (!show_job(work, id, reply, err) || !work_commit(work, err))
        return false;
    job_runner_wake(work->registry->jobs);
    return true;
}

/* A job at work: the call that it stands for, and its chunk. */
struct running {
    struct registry *registry;
    struct job *job;
    struct bulk_wish wish;
    const struct bulk_source *source;
    struct rpc_call call;
    Nwims__V1__Failure failure;
    struct arena lasting; /* of the transaction */
    struct arena arena;   /* of the chunk */
    struct work work;
    struct bulk_item *items;
    struct job_failure *failures;
    size_t count, failed;
    struct job_counts counts;
    Nwims__V1__Empty nothing;
};

static bool begin(struct running *running, struct err *err)
{
    work_done(&running->work);
    running->work = (struct work){ 0 };
    arena_reset(&running->lasting);
    running->call.arena = &running->lasting; /* what the caller may do is kept as long as the transaction */
    bool ok = work_begin(&running->work, running->registry, &running->call, running->wish.kind->plural, "bulk", err);
    running->call.arena = &running->arena;
    return ok;
}

/* The next chunk, applied; none: count is 0. */
static bool apply_chunk(struct running *running, struct err *err)
{
    running->items = arena_alloc_array(&running->arena, BULK_CHUNK, sizeof *running->items);
    running->failures = arena_alloc_array(&running->arena, BULK_CHUNK, sizeof *running->failures);
    running->count = running->failed = 0;
    if (!running->items || !running->failures)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    if (!running->source->next(
            running->source->context, &running->work, running->items, BULK_CHUNK, &running->count, err) ||
        !bulk_apply(&running->work, running->wish.kind, running->items, running->count, &running->counts, err))
        return false;
    if (running->wish.makes_tokens && !running->wish.is_dry_run &&
        !import_tokens_make(&running->work, running->job->id, running->items, running->count, err))
        return false;
    running->failed = list_failures(running->items, running->count, running->failures);
    return true;
}

static bool end(struct running *running, const char *state, const char *error, struct err *err)
{
    struct job *job = running->job;
    const char *outcome = strcmp(state, "done") == 0 ? NULL : "refused";
    if (!record(&running->work, &running->wish, job->id, &running->counts, outcome, err) ||
        !job_finish(job, running->work.session, state, error, err) || !store_commit(running->work.session, err))
        return false;
    service_outbox_wake(running->registry->service);
    return true;
}

/* Chunk by chunk; each is committed with how far we are. */
static bool skip_bad(struct running *running, struct err *err)
{
    struct job *job = running->job;
    running->counts = job->counts;
    if (!running->source->skip(running->source->context, job->position, err))
        return false;
    for (;;) {
        arena_reset(&running->arena);
        if (job_must_stop(job))
            break;
        if (!begin(running, err) || !apply_chunk(running, err))
            return false;
        if (running->count == 0)
            return end(running, "done", NULL, err);
        if (!job_step(job, running->work.session, job->position + (int64_t)running->count, &running->counts,
                running->failures, running->failed, err) ||
            !store_commit(running->work.session, err))
            return false;
        service_outbox_wake(running->registry->service);
    }
    return !job->is_cancelled ||
           (begin(running, err) && end(running, "cancelled", "it was cancelled; what was done before stays", err));
}

/* One transaction; how far it is is told beside it. */
static bool all_or_nothing(struct running *running, struct err *err)
{
    struct job *job = running->job;
    if (!begin(running, err))
        return false;
    while (!job_must_stop(job)) {
        if (!apply_chunk(running, err))
            return false;
        if (running->count == 0)
            break;
        if (!job_step(job, NULL, job->position + (int64_t)running->count, &running->counts, running->failures,
                running->failed, err))
            return false;
        arena_reset(&running->arena);
    }
    if (job_must_stop(job) && !job->is_cancelled)
        return true; /* the process ends: another one begins anew */
    bool is_refused = running->counts.failed > 0 && !running->wish.is_dry_run;
    if (!job->is_cancelled && !is_refused && !running->wish.is_dry_run)
        return end(running, "done", NULL, err);
    if (!running->wish.is_dry_run || job->is_cancelled)
        running->counts.created = running->counts.updated = running->counts.unchanged = 0;
    arena_reset(&running->arena);
    return begin(running, err) && job_step(job, running->work.session, job->position, &running->counts, NULL, 0, err) &&
           end(running,
               job->is_cancelled ? "cancelled"
               : is_refused      ? "failed"
                                 : "done",
               job->is_cancelled ? "it was cancelled; nothing was changed"
               : is_refused      ? "some items are bad, so nothing was changed: mend them, or send with on_error=skip"
                                 : NULL,
               err);
}

static void open_running(
    struct running *running, struct registry *registry, struct job *job, const struct bulk_kind *kind)
{
    *running = (struct running){ .registry = registry,
        .job = job,
        .wish = { .kind = kind, .is_dry_run = job->is_dry_run, .skips_bad = job->skips_bad },
        .failure = NWIMS__V1__FAILURE__INIT,
        .nothing = NWIMS__V1__EMPTY__INIT };
    const struct trace *trace = &job->caller.trace;
    running->call = (struct rpc_call){ .caller = &job->caller,
        .arena = &running->arena,
        .failure = &running->failure,
        .scope = { trace->trace_id, trace->span_id, job->caller.request_id, job->caller.tenant_id },
        .request = &running->nothing.base };
    arena_init(&running->arena, CHUNK_ARENA_BYTES);
    arena_init(&running->lasting, CHUNK_ARENA_BYTES);
}

static void running_done(struct running *running)
{
    work_done(&running->work);
    arena_done(&running->arena);
    arena_done(&running->lasting);
}

bool bulk_do_job(struct registry *registry, struct job *job, const struct bulk_wish *wish,
    const struct bulk_source *source, struct err *err)
{
    AUTO_INPLACE(running) running;
    open_running(&running, registry, job, wish->kind);
    running.wish.makes_tokens = wish->makes_tokens;
    running.source = source;
    bool is_in_steps = job->skips_bad && !job->is_dry_run;
    if (!(is_in_steps && job->position > 0) && !job_restart(job, wish->total, source->heading, err))
        return false;
    return is_in_steps ? skip_bad(&running, err) : all_or_nothing(&running, err);
}

bool bulk_refuse_job(
    struct registry *registry, struct job *job, const struct bulk_kind *kind, const struct err *why, struct err *err)
{
    AUTO_INPLACE(running) running;
    open_running(&running, registry, job, kind);
    running.counts = job->counts;
    return begin(&running, err) && end(&running, "failed", why->text, err);
}
