/* Works on jobs, one after the other on a thread of its own. A job is leased: a runner that dies leaves it, and the
 * next one takes it up where its last step was committed, or, where a job is one transaction, from its beginning. Each
 * commit of a step asks whether the lease is still ours, so that nothing is done twice however slow a runner was. */
#pragma once
#include "jobs/job.h"
#include <stdatomic.h>

struct job {
    char id[UUID_TEXT_SIZE];
    const char *kind; /* texts live in arena */
    bool is_dry_run;
    bool skips_bad;
    int64_t total;    /* -1: not known */
    int64_t position; /* of the last step */
    struct job_counts counts;
    unsigned char *request;
    size_t request_size;
    struct rpc_caller caller; /* who asked, with what was granted then */
    struct arena *arena;      /* until the job is over */

    /* ---- the library's own ---- */
    struct store *store;
    int64_t attempt, lease_ms, kept_bytes;
    bool is_cancelled;
    const atomic_bool *must_stop;
};

/* ---- for the code of a kind, on the runner's thread ---- */
/* One of the parts that were put in beside the job, into the arena. ERR_NOT_FOUND behind the last. */
MUST_CHECK bool job_read_part(
    struct job *job, int part, struct arena *arena, char **out_text, size_t *out_size, struct err *err);
/* Begins from the beginning: the first time, and where an earlier attempt did not commit its one transaction. heading:
 * of the rows that will have failed; NULL: none. */
MUST_CHECK bool job_restart(struct job *job, int64_t total, const char *heading, struct err *err);
/* A step: failures, counts (of the whole job) and position. In the transaction of session, to be committed by the
 * caller right after, or in one of its own if session is NULL. ERR_CONFLICT: the lease was lost, everything is to be
 * rolled back. */
MUST_CHECK bool job_step(struct job *job, struct store_session *session, int64_t position,
    const struct job_counts *counts, const struct job_failure *failures, size_t failure_count, struct err *err);
/* Whether to stop here: cancelled, or the process is ending. */
bool job_must_stop(const struct job *job);
/* The end; its input is removed. session as for job_step. state: done, failed or cancelled. */
MUST_CHECK bool job_finish(
    struct job *job, struct store_session *session, const char *state, const char *error, struct err *err);

/* ---- running ---- */
/* Returns true when it has finished the job, or stopped because it must. What it returns false for: ERR_TRANSIENT,
 * ERR_LIMIT, ERR_DEADLINE and ERR_CONFLICT are tried again a little later, else the job has failed. */
typedef bool job_handler(void *context, struct job *job, struct err *err);
struct job_kind {
    const char *name;
    job_handler *run;
};
struct job_runner_config {
    struct store *store;
    const struct job_kind *kinds; /* { 0 } last */
    void *context;
    int64_t lease_ms;
};
struct job_runner;
MUST_CHECK bool job_runner_start(
    struct job_runner **out_runner, const struct job_runner_config *config, struct err *err);
/* There may be a new job: look now. Any thread; NULL is fine. */
void job_runner_wake(struct job_runner *runner);
/* Ends at the next step; what was begun goes on elsewhere, or after the restart. */
void job_runner_stop(struct job_runner *runner);
AUTO_DEFINE(job_runner, job_runner_stop)
