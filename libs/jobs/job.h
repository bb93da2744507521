/* Bulk operations that may outlive the call which asked for them: a row for each in its owner's schema, with what was
 * asked, how far it is, and what failed. The schema has the tables job, job_part and job_failure and the functions
 * claim_job and purge_jobs (services/registry/schema/0008-jobs.sql is the pattern). Everything here runs within the
 * session's transaction, with the tenant in every statement. Any thread. */
#pragma once
#include "base/uuid.h"
#include "nwims/v1/jobs.pb-c.h"
#include "rpc/rpc.h"
#include "store/store.h"

enum {
    JOB_MOST_OPEN = 20,   /* of a tenant: waiting or at work */
    JOB_MOST_KEPT = 200,  /* of a tenant: the newest, at most 7 days after their end */
    JOB_MOST_SHOWN = 100, /* failures beside a job */
    JOB_MOST_PARTS = 16,  /* of its input */
    JOB_ID_SIZE = 32 + UUID_TEXT_SIZE,
};
/* All failed rows of a job together; those beyond are counted and no more. */
#define JOB_KEPT_BYTES INT64_C(16777216)

struct job_counts {
    int64_t done, created, updated, unchanged, failed;
};
struct job_failure {
    int64_t index;
    int64_t line;      /* 0: not of a file */
    const char *code;  /* NULL: none */
    const char *field; /* NULL: none */
    const char *reason;
    const char *row; /* as it came; NULL: none */
};
struct job_order {
    const char *kind; /* "sensors.update" */
    bool is_dry_run;
    bool skips_bad;
    int64_t total;       /* -1: not known yet */
    const char *heading; /* of a file; NULL: none */
    const void *request; /* for whoever works on it */
    size_t request_size;
};

/* A new one that waits for a runner; out_id as kept in the table. ERR_LIMIT when the tenant has JOB_MOST_OPEN open. */
MUST_CHECK bool job_create(struct store_session *session, const struct rpc_caller *caller,
    const struct job_order *order, char out_id[UUID_TEXT_SIZE], struct err *err);
/* The record of one that is over already: done within its call. state: done or failed. */
MUST_CHECK bool job_record(struct store_session *session, const struct rpc_caller *caller,
    const struct job_order *order, const char *state, const struct job_counts *counts,
    const struct job_failure *failures, size_t failure_count, char out_id[UUID_TEXT_SIZE], struct err *err);

/* ---- for those who ask; id as shown: "<owner>-<uuid>" ---- */
void job_id_show(char out_id[JOB_ID_SIZE], const char *owner, const char *id);
/* Whose jobs the caller may see: those of everybody in the tenant, or what they asked for themselves. */
struct job_reader {
    int32_t tenant_id;
    const char *owner;
    const char *actor; /* NULL: everybody's */
};
/* With the first JOB_MOST_SHOWN failures as items. ERR_NOT_FOUND. */
MUST_CHECK bool job_get(struct store_session *session, const struct job_reader *reader, const char *id,
    struct arena *arena, Nwims__V1__Job *out_job, struct err *err);
MUST_CHECK bool job_list(struct store_session *session, const struct job_reader *reader,
    const Nwims__V1__ListJobsRequest *request, struct arena *arena, Nwims__V1__ListJobsReply *out_reply,
    struct err *err);
MUST_CHECK bool job_list_failures(struct store_session *session, const struct job_reader *reader,
    const Nwims__V1__ListJobFailuresRequest *request, struct arena *arena, Nwims__V1__JobFailures *out_reply,
    struct err *err);
/* One that waits is cancelled at once, one at work at its next step, one that is over stays as it is. ERR_NOT_FOUND. */
MUST_CHECK bool job_cancel(
    struct store_session *session, const struct job_reader *reader, const char *id, struct err *err);
