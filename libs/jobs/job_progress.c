/* How a job at work says how far it is. Each statement names the attempt: whoever has lost the lease changes nothing.
 */
#include "jobs/job_internal.h"
#include <string.h>

#define OURS " WHERE tenant_id = $1 AND id = $2::uuid AND attempt = $3::int4 AND state = 'running'"
#define FENCE(job) PARAM_INT((job)->caller.tenant_id), PARAM_TEXT((job)->id), PARAM_INT((job)->attempt)
#define RENEWED "lease_until = clock_timestamp() + $4::int8 * interval '1 millisecond'"

static bool is_ours(const struct store_result *rows, struct err *err)
{
    return store_result_rows(rows) == 1 || err_set(err, ERR_CONFLICT, "the lease of the job was lost");
}

bool job_must_stop(const struct job *job)
{
    return job->is_cancelled || atomic_load(job->must_stop);
}

bool job_read_part(struct job *job, int part, struct arena *arena, char **out_text, size_t *out_size, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    unsigned char *bytes;
    if (!store_session_open(&session, job->store, err) || !store_begin(session, job->caller.tenant_id, err) ||
        !store_query(session, &rows,
            "SELECT data FROM job_part WHERE tenant_id = $1 AND job_id = $2::uuid AND part = $3::int4",
            PARAMS(PARAM_INT(job->caller.tenant_id), PARAM_TEXT(job->id), PARAM_INT(part)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_NOT_FOUND, "no more parts");
    if (!store_result_bytes(rows, 0, 0, arena, &bytes, out_size))
        return err_set(err, ERR_BUG, "a part of a job does not fit its memory");
    *out_text = (char *)bytes;
    return true;
}

bool job_restart(struct job *job, int64_t total, const char *heading, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, job->store, err) || !store_begin(session, job->caller.tenant_id, err) ||
        !store_query(session, &rows,
            "UPDATE job SET " RENEWED
            ", total = $5::int8, heading = $6::text, position = 0, done = 0, created = 0, updated = 0, unchanged = 0, "
            "failed = 0, kept_bytes = 0" OURS " RETURNING 1",
            PARAMS(FENCE(job), PARAM_INT(job->lease_ms), PARAM_INT(total), PARAM_TEXT(heading)), err) ||
        !is_ours(rows, err) ||
        !store_run(session, "DELETE FROM job_failure WHERE tenant_id = $1 AND job_id = $2::uuid",
            PARAMS(PARAM_INT(job->caller.tenant_id), PARAM_TEXT(job->id)), NULL, err) ||
        !store_commit(session, err))
        return false;
    job->total = total;
    job->position = job->kept_bytes = 0;
    job->counts = (struct job_counts){ 0 };
    return true;
}

static bool step(struct job *job, struct store_session *session, int64_t position, const struct job_counts *counts,
    const struct job_failure *failures, size_t failure_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    int64_t kept_bytes = job->kept_bytes;
    if (!job_put_failures(session, job->caller.tenant_id, job->id, failures, failure_count, &kept_bytes, err) ||
        !store_query(session, &rows,
            "UPDATE job SET " RENEWED
            ", position = $5::int8, done = $6::int8, created = $7::int8, updated = $8::int8, unchanged = $9::int8, "
            "failed = $10::int8, kept_bytes = $11::int8" OURS " RETURNING is_cancelled",
            PARAMS(FENCE(job), PARAM_INT(job->lease_ms), PARAM_INT(position), PARAM_INT(counts->done),
                PARAM_INT(counts->created), PARAM_INT(counts->updated), PARAM_INT(counts->unchanged),
                PARAM_INT(counts->failed), PARAM_INT(kept_bytes)),
            err) ||
        !is_ours(rows, err))
        return false;
    job->is_cancelled = store_result_bool(rows, 0, 0);
    job->position = position;
    job->counts = *counts;
    job->kept_bytes = kept_bytes;
    return true;
}

bool job_step(struct job *job, struct store_session *session, int64_t position, const struct job_counts *counts,
    const struct job_failure *failures, size_t failure_count, struct err *err)
{
    AUTO(store_session) own = NULL;
    if (session)
        return step(job, session, position, counts, failures, failure_count, err);
    return store_session_open(&own, job->store, err) && store_begin(own, job->caller.tenant_id, err) &&
           step(job, own, position, counts, failures, failure_count, err) && store_commit(own, err);
}

static bool finish(
    struct job *job, struct store_session *session, const char *state, const char *error, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows,
               "UPDATE job SET state = $4::text, error = $5::text, finished_at = clock_timestamp(), lease_until = "
               "NULL, "
               "request = NULL" OURS " RETURNING 1",
               PARAMS(FENCE(job), PARAM_TEXT(state), PARAM_TEXT(error)), err) &&
           is_ours(rows, err) &&
           store_run(session, "DELETE FROM job_part WHERE tenant_id = $1 AND job_id = $2::uuid",
               PARAMS(PARAM_INT(job->caller.tenant_id), PARAM_TEXT(job->id)), NULL, err);
}

bool job_finish(struct job *job, struct store_session *session, const char *state, const char *error, struct err *err)
{
    AUTO(store_session) own = NULL;
    if (session)
        return finish(job, session, state, error, err);
    return store_session_open(&own, job->store, err) && store_begin(own, job->caller.tenant_id, err) &&
           finish(job, own, state, error, err) && store_commit(own, err);
}
