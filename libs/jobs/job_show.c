/* Jobs for those who ask. */
#include "jobs/job_internal.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "id, kind, state, is_dry_run, skips_bad, total, done, created, updated, unchanged, failed, error, actor, "         \
    "created_at, started_at, finished_at, heading"
/* Of a tenant's jobs those that the reader may see. */
#define VISIBLE " FROM job WHERE tenant_id = $1 AND ($2::text IS NULL OR actor = $2::text)"
#define READER(reader) PARAM_INT((reader)->tenant_id), PARAM_TEXT((reader)->actor)

enum { USUAL_PAGE = 50, FAILURES_PAGE = 1000 };

void job_id_show(char out_id[JOB_ID_SIZE], const char *owner, const char *id)
{
    snprintf(out_id, JOB_ID_SIZE, "%.24s-%s", owner, id);
}

static bool not_found(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such bulk operation, or it ended more than 7 days ago");
}

/* Where the UUID begins; NULL if it is none of this owner's ids. */
static const char *read_id(const struct job_reader *reader, const char *id)
{
    struct uuid uuid;
    size_t length = strlen(reader->owner);
    if (!id || strncmp(id, reader->owner, length) != 0 || id[length] != '-')
        return NULL;
    id += length + 1;
    return uuid_parse(id, strlen(id), &uuid) ? id : NULL;
}

static char *copy(const struct store_result *rows, size_t row, size_t column, struct arena *arena, bool *is_cut)
{
    char *text = store_result_copy(rows, row, column, arena);
    *is_cut = *is_cut || (!text && !store_result_is_null(rows, row, column));
    return text;
}

static bool fill(Nwims__V1__Job *job, const char *owner, const struct store_result *rows, size_t row,
    struct arena *arena, struct err *err)
{
    bool is_cut = false;
    char id[JOB_ID_SIZE];
    job_id_show(id, owner, store_result_text(rows, row, 0));
    job->id = arena_text(arena, id);
    job->kind = copy(rows, row, 1, arena, &is_cut);
    job->state = copy(rows, row, 2, arena, &is_cut);
    job->has_dry_run = true;
    job->dry_run = store_result_bool(rows, row, 3);
    job->on_error = arena_text(arena, store_result_bool(rows, row, 4) ? "skip" : "abort");
    job->has_total = !store_result_is_null(rows, row, 5);
    job->total = store_result_int(rows, row, 5);
    job->has_done = job->has_created = job->has_updated = job->has_unchanged = job->has_failed = true;
    job->done = store_result_int(rows, row, 6);
    job->created = store_result_int(rows, row, 7);
    job->updated = store_result_int(rows, row, 8);
    job->unchanged = store_result_int(rows, row, 9);
    job->failed = store_result_int(rows, row, 10);
    job->error = copy(rows, row, 11, arena, &is_cut);
    job->actor = copy(rows, row, 12, arena, &is_cut);
    job->has_created_at = true;
    job->created_at = store_result_time(rows, row, 13);
    job->has_started_at = !store_result_is_null(rows, row, 14);
    job->started_at = store_result_time(rows, row, 14);
    job->has_finished_at = !store_result_is_null(rows, row, 15);
    job->finished_at = store_result_time(rows, row, 15);
    return (!is_cut && job->id && job->on_error) || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool find(struct store_session *session, const struct job_reader *reader, const char *shown_id,
    struct store_result **out_rows, struct err *err)
{
    const char *id = read_id(reader, shown_id);
    AUTO(store_result) rows = NULL;
    if (!id)
        return not_found(err);
    if (!store_query(session, &rows, "SELECT " COLUMNS VISIBLE " AND id = $3::uuid",
            PARAMS(READER(reader), PARAM_TEXT(id)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return not_found(err);
    *out_rows = TAKE(rows);
    return true;
}

static bool add_item(Nwims__V1__Job *job, const struct store_result *rows, size_t row, struct arena *arena)
{
    bool is_cut = false;
    Nwims__V1__JobItem *item = arena_alloc(arena, sizeof *item);
    if (!item)
        return false;
    nwims__v1__job_item__init(item);
    item->has_index = true;
    item->index = store_result_int(rows, row, 0);
    item->has_line = !store_result_is_null(rows, row, 1);
    item->line = store_result_int(rows, row, 1);
    item->code = copy(rows, row, 2, arena, &is_cut);
    item->field = copy(rows, row, 3, arena, &is_cut);
    item->reason = copy(rows, row, 4, arena, &is_cut);
    item->outcome = arena_text(arena, "failed");
    job->items[job->n_items++] = item;
    return !is_cut && item->outcome;
}

static bool add_items(struct store_session *session, const struct job_reader *reader, const char *id,
    struct arena *arena, Nwims__V1__Job *job, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT index, line, code, field, reason FROM job_failure WHERE tenant_id = $1 AND job_id = $2::uuid ORDER "
            "BY index LIMIT $3::int8",
            PARAMS(PARAM_INT(reader->tenant_id), PARAM_TEXT(id), PARAM_INT(JOB_MOST_SHOWN)), err))
        return false;
    size_t count = store_result_rows(rows);
    job->items = arena_alloc_array(arena, count + 1, sizeof *job->items);
    bool ok = job->items != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_item(job, rows, i, arena);
    return ok || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool job_get(struct store_session *session, const struct job_reader *reader, const char *id, struct arena *arena,
    Nwims__V1__Job *out_job, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return find(session, reader, id, &rows, err) && fill(out_job, reader->owner, rows, 0, arena, err) &&
           add_items(session, reader, store_result_text(rows, 0, 0), arena, out_job, err);
}

bool job_list(struct store_session *session, const struct job_reader *reader, const Nwims__V1__ListJobsRequest *request,
    struct arena *arena, Nwims__V1__ListJobsReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    size_t limit =
        request->has_limit && request->limit > 0 && request->limit <= 100 ? (size_t)request->limit : USUAL_PAGE;
    const char *after = request->cursor ? read_id(reader, request->cursor) : NULL;
    if (request->cursor && !after)
        return err_set(err, ERR_INPUT, "cursor: is none of this list's: take next_cursor as it came");
    /* UUIDv7: by id is by age. */
    if (!store_query(session, &rows,
            "SELECT " COLUMNS VISIBLE " AND ($3::text IS NULL OR state = $3::text) AND ($4::uuid IS NULL OR id < "
            "$4::uuid) ORDER BY id DESC LIMIT "
            "$5::int8",
            PARAMS(READER(reader), PARAM_TEXT(request->state), PARAM_TEXT(after), PARAM_INT((int64_t)limit + 1)), err))
        return false;
    size_t found = store_result_rows(rows), count = found > limit ? limit : found;
    out_reply->items = arena_alloc_array(arena, count + 1, sizeof *out_reply->items);
    bool ok = out_reply->items != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__job__descriptor);
        ok = made && fill((Nwims__V1__Job *)made, reader->owner, rows, i, arena, err);
        if (ok)
            out_reply->items[out_reply->n_items++] = (Nwims__V1__Job *)made;
    }
    if (ok && found > count)
        out_reply->next_cursor = out_reply->items[count - 1]->id;
    return ok || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool add_failure(Nwims__V1__JobFailures *reply, const struct store_result *rows, size_t row, struct arena *arena)
{
    bool is_cut = false;
    Nwims__V1__JobFailure *failure = arena_alloc(arena, sizeof *failure);
    if (!failure)
        return false;
    nwims__v1__job_failure__init(failure);
    failure->has_index = true;
    failure->index = store_result_int(rows, row, 0);
    failure->row = copy(rows, row, 1, arena, &is_cut);
    failure->reason = copy(rows, row, 2, arena, &is_cut);
    reply->rows[reply->n_rows++] = failure;
    return !is_cut;
}

bool job_list_failures(struct store_session *session, const struct job_reader *reader,
    const Nwims__V1__ListJobFailuresRequest *request, struct arena *arena, Nwims__V1__JobFailures *out_reply,
    struct err *err)
{
    AUTO(store_result) job = NULL;
    AUTO(store_result) rows = NULL;
    if (!find(session, reader, request->id, &job, err) ||
        !store_query(session, &rows,
            "SELECT index, coalesce(\"row\", CASE WHEN code ~ '[\",;\\s]' THEN '\"' || replace(code, '\"', '\"\"') || "
            "'\"' ELSE code END, ''), reason FROM job_failure WHERE tenant_id = $1 AND job_id = $2::uuid AND index > "
            "$3::int8 ORDER BY index LIMIT $4::int8",
            PARAMS(PARAM_INT(reader->tenant_id), PARAM_TEXT(store_result_text(job, 0, 0)),
                PARAM_INT(request->has_after_index ? request->after_index : -1), PARAM_INT(FAILURES_PAGE)),
            err))
        return false;
    size_t count = store_result_rows(rows), bytes = 0;
    out_reply->heading = store_result_copy(job, 0, 16, arena);
    out_reply->rows = arena_alloc_array(arena, count + 1, sizeof *out_reply->rows);
    bool ok = out_reply->rows != NULL;
    for (size_t i = 0; ok && i < count && bytes < WIRE_LARGEST_MESSAGE / 4; i++) {
        ok = add_failure(out_reply, rows, i, arena);
        bytes += strlen(store_result_text(rows, i, 1)) + strlen(store_result_text(rows, i, 2)) + 32;
    }
    out_reply->has_is_last = true;
    out_reply->is_last = count < FAILURES_PAGE && out_reply->n_rows == count;
    return ok || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool job_cancel(struct store_session *session, const struct job_reader *reader, const char *shown_id, struct err *err)
{
    const char *id = read_id(reader, shown_id);
    int64_t affected = 0;
    if (!id)
        return not_found(err);
    if (!store_run(session,
            "UPDATE job SET is_cancelled = is_cancelled OR state IN ('queued', 'running'), finished_at = CASE WHEN "
            "state "
            "= 'queued' THEN clock_timestamp() ELSE finished_at END, state = CASE WHEN state = 'queued' THEN "
            "'cancelled' "
            "ELSE state END WHERE tenant_id = $1 AND ($2::text IS NULL OR actor = $2::text) AND id = $3::uuid",
            PARAMS(READER(reader), PARAM_TEXT(id)), &affected, err) ||
        !store_run(session,
            "DELETE FROM job_part WHERE tenant_id = $1 AND job_id = $2::uuid AND EXISTS (SELECT 1 FROM job WHERE "
            "tenant_id = $1 AND id = $2::uuid AND finished_at IS NOT NULL)",
            PARAMS(PARAM_INT(reader->tenant_id), PARAM_TEXT(id)), NULL, err))
        return false;
    return affected == 1 || not_found(err);
}
