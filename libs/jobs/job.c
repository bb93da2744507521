#include "jobs/job_internal.h"
#include <stdio.h>
#include <string.h>

/* Every new one removes some that are over and old, or more than a tenant keeps: no thread is needed for that, and a
 * tenant that asks for thousands keeps no more for it. */
static bool make_room(struct store_session *session, int32_t tenant_id, struct err *err)
{
    return store_run(session,
               "DELETE FROM job WHERE tenant_id = $1 AND id IN (SELECT id FROM job WHERE tenant_id = $1 AND "
               "finished_at "
               "IS NOT NULL ORDER BY created_at DESC, id DESC OFFSET $2::int8 LIMIT 10)",
               PARAMS(PARAM_INT(tenant_id), PARAM_INT(JOB_MOST_KEPT)), NULL, err) ||
           err_wrap(err, "removing old jobs");
}

static bool check_open(struct store_session *session, int32_t tenant_id, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, "SELECT count(*) FROM job WHERE tenant_id = $1 AND state IN ('queued', 'running')",
            PARAMS(PARAM_INT(tenant_id)), err))
        return false;
    return store_result_int(rows, 0, 0) < JOB_MOST_OPEN ||
           err_set(err, ERR_LIMIT,
               "%d bulk operations of this tenant wait or are at work already: wait for one, or cancel it",
               JOB_MOST_OPEN);
}

static bool insert(struct store_session *session, const struct rpc_caller *caller, const struct job_order *order,
    const char *state, const struct job_counts *counts, char out_id[UUID_TEXT_SIZE], struct err *err)
{
    char traceparent[TRACEPARENT_SIZE];
    struct uuid id = uuid_new();
    uuid_format(out_id, &id);
    trace_format(traceparent, &caller->trace);
    bool is_over = strcmp(state, "queued") != 0;
    return store_run(session,
               "INSERT INTO job (tenant_id, id, kind, state, is_dry_run, skips_bad, total, heading, request, actor, "
               "permissions, scope, request_id, traceparent, done, created, updated, unchanged, failed, started_at, "
               "finished_at) VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7::int8, -1), $8, $9, $10, $11, $12, $13, $14, "
               "$15, "
               "$16, $17, $18, $19, CASE WHEN $20::bool THEN now() END, CASE WHEN $20::bool THEN clock_timestamp() "
               "END)",
               PARAMS(PARAM_INT(caller->tenant_id), PARAM_TEXT(out_id), PARAM_TEXT(order->kind), PARAM_TEXT(state),
                   PARAM_BOOL(order->is_dry_run), PARAM_BOOL(order->skips_bad), PARAM_INT(order->total),
                   PARAM_TEXT(order->heading),
                   order->request ? PARAM_BYTES(order->request, order->request_size) : PARAM_NULL,
                   PARAM_TEXT(caller->actor), PARAM_TEXT(caller->permissions), PARAM_TEXT(caller->scope),
                   PARAM_TEXT(caller->request_id), PARAM_TEXT(traceparent), PARAM_INT(counts->done),
                   PARAM_INT(counts->created), PARAM_INT(counts->updated), PARAM_INT(counts->unchanged),
                   PARAM_INT(counts->failed), PARAM_BOOL(is_over)),
               NULL, err) ||
           err_wrap(err, "keeping a job");
}

bool job_create(struct store_session *session, const struct rpc_caller *caller, const struct job_order *order,
    char out_id[UUID_TEXT_SIZE], struct err *err)
{
    const struct job_counts none = { 0 };
    return make_room(session, caller->tenant_id, err) && check_open(session, caller->tenant_id, err) &&
           insert(session, caller, order, "queued", &none, out_id, err);
}

bool job_record(struct store_session *session, const struct rpc_caller *caller, const struct job_order *order,
    const char *state, const struct job_counts *counts, const struct job_failure *failures, size_t failure_count,
    char out_id[UUID_TEXT_SIZE], struct err *err)
{
    int64_t kept_bytes = 0;
    return make_room(session, caller->tenant_id, err) && insert(session, caller, order, state, counts, out_id, err) &&
           job_put_failures(session, caller->tenant_id, out_id, failures, failure_count, &kept_bytes, err);
}

/* ---- failures ---- */
enum { PUT_AT_ONCE = 500 };

static int64_t size_of(const struct job_failure *failure)
{
    return (int64_t)(strlen(failure->reason) + (failure->row ? strlen(failure->row) : 0) + 64);
}

static bool put_some(struct store_session *session, int32_t tenant_id, const char *id,
    const struct job_failure *failures, size_t count, struct err *err)
{
    int64_t indexes[PUT_AT_ONCE], lines[PUT_AT_ONCE];
    const char *codes[PUT_AT_ONCE], *fields[PUT_AT_ONCE], *reasons[PUT_AT_ONCE], *rows[PUT_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        indexes[i] = failures[i].index;
        lines[i] = failures[i].line;
        codes[i] = failures[i].code;
        fields[i] = failures[i].field;
        reasons[i] = failures[i].reason;
        rows[i] = failures[i].row;
    }
    return count == 0 ||
           store_run(session,
               "INSERT INTO job_failure (tenant_id, job_id, index, line, code, field, reason, row) SELECT $1::int4, "
               "$2::uuid, u.index, NULLIF(u.line, 0), u.code, u.field, u.reason, u.\"row\" FROM unnest($3::int8[], "
               "$4::int8[], $5::text[], $6::text[], $7::text[], $8::text[]) AS u(index, line, code, field, reason, "
               "\"row\")",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_INT8S(indexes, count), PARAM_INT8S(lines, count),
                   PARAM_TEXTS(codes, count), PARAM_TEXTS(fields, count), PARAM_TEXTS(reasons, count),
                   PARAM_TEXTS(rows, count)),
               NULL, err) ||
           err_wrap(err, "keeping what failed");
}

bool job_put_failures(struct store_session *session, int32_t tenant_id, const char *id,
    const struct job_failure *failures, size_t count, int64_t *kept_bytes, struct err *err)
{
    for (size_t first = 0; first < count;) {
        size_t some = 0;
        while (first + some < count && some < PUT_AT_ONCE && *kept_bytes < JOB_KEPT_BYTES)
            *kept_bytes += size_of(&failures[first + some++]);
        if (some == 0)
            break; /* no more are kept */
        if (!put_some(session, tenant_id, id, &failures[first], some, err))
            return false;
        first += some;
    }
    return true;
}
