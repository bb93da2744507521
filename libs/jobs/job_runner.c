#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "jobs/job_internal.h"
#include "metrics/metrics.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 1000,
    PURGE_MS = 60000,
    PURGE_MOST = 20,
    RETRY_MS = 2000,
    MOST_ATTEMPTS = 50,
    ARENA_BYTES = 64 * 1024 * 1024,
};

struct job_runner {
    struct job_runner_config config;
    struct arena arena;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_woken;
    atomic_bool must_stop;
    int64_t purged_us;
    struct metric *running, *ended[3];
};
static const char *const ends[] = { "done", "failed", "left" };
enum { END_DONE, END_FAILED, END_LEFT };

/* ---- one job ---- */
static bool claim(struct job_runner *runner, struct job *job, bool *out_found, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, runner->config.store, err) || !store_begin(session, 0, err) ||
        !store_query(session, &rows, "SELECT tenant_id, id, attempt FROM claim_job($1::int8)",
            PARAMS(PARAM_INT(runner->config.lease_ms)), err) ||
        !store_commit(session, err))
        return false;
    *out_found = store_result_rows(rows) == 1;
    if (!*out_found)
        return true;
    job->caller.tenant_id = (int32_t)store_result_int(rows, 0, 0);
    snprintf(job->id, sizeof job->id, "%s", store_result_text(rows, 0, 1));
    job->attempt = store_result_int(rows, 0, 2);
    return true;
}

static void put_text(char *target, size_t size, const struct store_result *rows, size_t column)
{
    const char *text = store_result_text(rows, 0, column);
    snprintf(target, size, "%s", text ? text : "");
}

static bool read_caller(struct job *job, const struct store_result *rows)
{
    struct rpc_caller *caller = &job->caller;
    struct trace trace = { 0 };
    put_text(caller->actor, sizeof caller->actor, rows, 13);
    put_text(caller->permissions, sizeof caller->permissions, rows, 14);
    put_text(caller->scope, sizeof caller->scope, rows, 15);
    put_text(caller->request_id, sizeof caller->request_id, rows, 16);
    bool is_known = trace_begin(&trace, store_result_text(rows, 0, 17));
    trace_child(&caller->trace, &trace);
    return is_known;
}

static bool load(struct job_runner *runner, struct job *job, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, runner->config.store, err) || !store_begin(session, job->caller.tenant_id, err) ||
        !store_query(session, &rows,
            "SELECT kind, is_dry_run, skips_bad, total, position, done, created, updated, unchanged, failed, "
            "kept_bytes, heading, request, actor, permissions, scope, request_id, traceparent, is_cancelled FROM job "
            "WHERE tenant_id = $1 AND id = $2::uuid AND attempt = $3::int4",
            PARAMS(PARAM_INT(job->caller.tenant_id), PARAM_TEXT(job->id), PARAM_INT(job->attempt)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_CONFLICT, "the lease of the job was lost");
    job->kind = store_result_copy(rows, 0, 0, job->arena);
    job->is_dry_run = store_result_bool(rows, 0, 1);
    job->skips_bad = store_result_bool(rows, 0, 2);
    job->total = store_result_is_null(rows, 0, 3) ? -1 : store_result_int(rows, 0, 3);
    job->position = store_result_int(rows, 0, 4);
    job->counts = (struct job_counts){ store_result_int(rows, 0, 5), store_result_int(rows, 0, 6),
        store_result_int(rows, 0, 7), store_result_int(rows, 0, 8), store_result_int(rows, 0, 9) };
    job->kept_bytes = store_result_int(rows, 0, 10);
    job->is_cancelled = store_result_bool(rows, 0, 18);
    (void)read_caller(job, rows); /* without a trace of the call's own it begins a new one */
    bool has_request = !store_result_is_null(rows, 0, 12);
    if (!job->kind || (has_request && !store_result_bytes(rows, 0, 12, job->arena, &job->request, &job->request_size)))
        return err_set(err, ERR_LIMIT, "no memory left for the job");
    return true;
}

static const struct job_kind *kind_of(const struct job_runner *runner, const char *name)
{
    const struct job_kind *kind = runner->config.kinds;
    while (kind->name && strcmp(kind->name, name) != 0)
        kind++;
    return kind->name ? kind : NULL;
}

static bool run(struct job_runner *runner, struct job *job, struct err *err)
{
    if (!load(runner, job, err))
        return false;
    const struct job_kind *kind = kind_of(runner, job->kind);
    if (!kind)
        return err_set(err, ERR_TRANSIENT, "this version does not know jobs of the kind %s", job->kind);
    if (job->attempt > MOST_ATTEMPTS)
        return err_set(err, ERR_BUG, "tried %d times without coming to an end", MOST_ATTEMPTS);
    return kind->run(runner->config.context, job, err);
}

/* Free for the next runner at once (a process that ends), or after a while (something is away). */
static bool release(struct job_runner *runner, const struct job *job, int64_t after_ms, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, runner->config.store, err) &&
           store_begin(session, job->caller.tenant_id, err) &&
           store_run(session,
               "UPDATE job SET lease_until = clock_timestamp() + $4::int8 * interval '1 millisecond' WHERE tenant_id = "
               "$1 AND id = $2::uuid AND attempt = $3::int4 AND state = 'running'",
               PARAMS(
                   PARAM_INT(job->caller.tenant_id), PARAM_TEXT(job->id), PARAM_INT(job->attempt), PARAM_INT(after_ms)),
               NULL, err) &&
           store_commit(session, err);
}

static bool is_passing(enum err_kind kind)
{
    return kind == ERR_TRANSIENT || kind == ERR_LIMIT || kind == ERR_DEADLINE || kind == ERR_CONFLICT;
}

static int settle(struct job_runner *runner, struct job *job, bool ok, struct err *why)
{
    struct err err = { 0 };
    bool is_kept = true;
    int end = END_DONE;
    if (ok && atomic_load(&runner->must_stop)) {
        is_kept = release(runner, job, 0, &err);
        end = END_LEFT;
    } else if (!ok && is_passing(why->kind)) {
        is_kept = release(runner, job, RETRY_MS, &err);
        end = END_LEFT;
    } else if (!ok) {
        is_kept = job_finish(job, NULL, "failed",
            why->kind == ERR_INPUT || why->kind == ERR_DENIED || why->kind == ERR_NOT_FOUND
                ? why->text
                : "a fault of ours, which was logged: send it again later",
            &err);
        end = END_FAILED;
    }
    if (!is_kept) /* the lease ends by itself */
        log_warn(NULL, "job.unsettled", LOG_TEXT("job", job->id), LOG_ERR(&err));
    return end;
}

static void work_on(struct job_runner *runner, struct job *job)
{
    struct err err = { 0 };
    struct log_scope scope = { .tenant_id = job->caller.tenant_id };
    int64_t began_us = clock_monotonic_us();
    job->store = runner->config.store;
    job->arena = &runner->arena;
    job->lease_ms = runner->config.lease_ms;
    job->must_stop = &runner->must_stop;
    metric_shift(runner->running, 1);
    bool ok = run(runner, job, &err);
    int end = settle(runner, job, ok, &err);
    metric_shift(runner->running, -1);
    metric_add(runner->ended[end], 1);
    int64_t took_ms = (clock_monotonic_us() - began_us) / 1000;
    if (ok)
        log_info(&scope, end == END_DONE ? "job.ended" : "job.left", LOG_TEXT("job", job->id),
            LOG_TEXT("kind", job->kind), LOG_COUNT("done", job->counts.done), LOG_COUNT("failed", job->counts.failed),
            LOG_MS("took_ms", took_ms));
    else
        log_warn(&scope, "job.failed", LOG_TEXT("job", job->id), LOG_TEXT("kind", job->kind ? job->kind : ""),
            LOG_TEXT("error_kind", err_kind_name(err.kind)), LOG_ERR(&err));
}

/* ---- the thread ---- */
static void purge(struct job_runner *runner)
{
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    int64_t now_us = clock_monotonic_us();
    if (runner->purged_us > 0 && now_us - runner->purged_us < (int64_t)PURGE_MS * 1000)
        return;
    runner->purged_us = now_us;
    if (!store_session_open(&session, runner->config.store, &err) || !store_begin(session, 0, &err) ||
        !store_run(session, "SELECT purge_jobs($1::int4)", PARAMS(PARAM_INT(PURGE_MOST)), NULL, &err) ||
        !store_commit(session, &err))
        log_debug(NULL, "jobs.unpurged", LOG_ERR(&err)); /* the next time, then */
}

static void wait(struct job_runner *runner)
{
    int64_t end_us = clock_end_us(LOOK_MS);
    pthread_mutex_lock(&runner->lock);
    while (!runner->is_woken && !atomic_load(&runner->must_stop) &&
           condition_wait_until(&runner->changed, &runner->lock, end_us))
        ;
    runner->is_woken = false;
    pthread_mutex_unlock(&runner->lock);
}

static void *run_all(void *argument)
{
    struct job_runner *runner = argument;
    bool is_away = false;
    while (!atomic_load(&runner->must_stop)) {
        struct job job = { 0 };
        struct err err = { 0 };
        bool found = false;
        bool ok = claim(runner, &job, &found, &err);
        if (!ok && !is_away)
            log_warn(NULL, "jobs.unclaimed", LOG_TEXT("kind", err_kind_name(err.kind)), LOG_ERR(&err));
        is_away = !ok;
        if (found) {
            work_on(runner, &job);
            arena_reset(&runner->arena);
        } else {
            purge(runner);
            wait(runner);
        }
    }
    return NULL;
}

static void make_metrics(struct job_runner *runner)
{
    runner->running = metrics_gauge("nwims_jobs_running", NULL, "Bulk operations at work here");
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "end=\"%s\"", ends[i]);
        runner->ended[i] = metrics_counter(
            "nwims_jobs_total", labels, "Bulk operations by how they ended here; left: for another attempt");
    }
}

bool job_runner_start(struct job_runner **out_runner, const struct job_runner_config *config, struct err *err)
{
    struct job_runner *runner = calloc(1, sizeof *runner);
    if (!runner)
        return err_set(err, ERR_LIMIT, "no memory to work on jobs");
    runner->config = *config;
    arena_init(&runner->arena, ARENA_BYTES);
    pthread_mutex_init(&runner->lock, NULL);
    condition_init(&runner->changed);
    make_metrics(runner);
    if (pthread_create(&runner->thread, NULL, run_all, runner) != 0) {
        free(runner);
        return err_set(err, ERR_LIMIT, "no thread to work on jobs");
    }
    *out_runner = runner;
    return true;
}

void job_runner_wake(struct job_runner *runner)
{
    if (!runner)
        return;
    pthread_mutex_lock(&runner->lock);
    runner->is_woken = true;
    pthread_cond_signal(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
}

void job_runner_stop(struct job_runner *runner)
{
    if (!runner)
        return;
    atomic_store(&runner->must_stop, true);
    job_runner_wake(runner);
    pthread_join(runner->thread, NULL);
    pthread_cond_destroy(&runner->changed);
    pthread_mutex_destroy(&runner->lock);
    arena_done(&runner->arena);
    free(runner);
}
