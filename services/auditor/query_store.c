#include "query_store.h"
#include "record.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "id, happened_at, actor, action, entity, entity_id, outcome, peer, request_id, trace_id, detail, sequence, "       \
    "recorded_at, encode(hash, 'hex')"
/* A record is not stored before it happens, but for clocks that differ: lets PostgreSQL leave out earlier months. */
#define CLOCK_SLACK_US (INT64_C(2) * 86400 * 1000000)

static void fill(
    Nwims__V1__AuditRecord *record, int32_t tenant_id, const struct store_result *rows, size_t row, struct arena *arena)
{
    char **const texts[] = { &record->id, NULL, &record->actor, &record->action, &record->entity, &record->entity_id,
        &record->outcome, &record->peer, &record->request_id, &record->trace_id, &record->detail };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (texts[i])
            *texts[i] = store_result_copy(rows, row, i, arena);
    record->has_tenant_id = tenant_id > 0;
    record->tenant_id = tenant_id;
    record->has_happened_at = record->has_sequence = record->has_recorded_at = true;
    record->happened_at = store_result_time(rows, row, 1);
    record->sequence = store_result_int(rows, row, 11);
    record->recorded_at = store_result_time(rows, row, 12);
    record->hash = store_result_copy(rows, row, 13, arena);
}

/* The statement as it grows: a condition for each filter that is there, so that each shape has its own plan and index.
 */
struct statement {
    char sql[1024];
    size_t length;
    struct store_param params[16];
    size_t count;
};

static void put(struct statement *statement, const char *condition, struct store_param param)
{
    size_t room = sizeof statement->sql - statement->length;
    statement->params[statement->count++] = param;
    int length = snprintf(statement->sql + statement->length, room, " AND %s $%zu%s", condition, statement->count,
        param.type == STORE_INT ? "::int8" : "");
    statement->length += length > 0 && (size_t)length < room ? (size_t)length : 0;
}

static void put_text(struct statement *statement, const char *condition, const char *text)
{
    if (text && *text)
        put(statement, condition, PARAM_TEXT(text));
}

static void put_filters(struct statement *statement, const Nwims__V1__ListAuditRequest *request)
{
    put_text(statement, "actor =", request->actor);
    put_text(statement, "action =", request->action);
    put_text(statement, "entity =", request->entity);
    put_text(statement, "entity_id =", request->entity_id);
    put_text(statement, "request_id =", request->request_id);
    put_text(statement, "outcome =", request->outcome);
    /* Said once more as the index of what was not ok knows it. */
    if (request->outcome && *request->outcome && strcmp(request->outcome, "ok") != 0)
        statement->length += (size_t)snprintf(
            statement->sql + statement->length, sizeof statement->sql - statement->length, " AND outcome <> 'ok'");
    if (request->has_from_at) {
        put(statement, "happened_at >=", PARAM_TIME(request->from_at));
        put(statement,
            "recorded_at >=", PARAM_TIME(request->from_at > CLOCK_SLACK_US ? request->from_at - CLOCK_SLACK_US : 0));
    }
    if (request->has_to_at)
        put(statement, "happened_at <", PARAM_TIME(request->to_at));
}

static void put_place(struct statement *statement, const struct record_place *behind)
{
    if (behind->sequence == 0)
        return;
    size_t room = sizeof statement->sql - statement->length;
    int length = snprintf(statement->sql + statement->length, room, " AND (happened_at, sequence) < ($%zu, $%zu::int8)",
        statement->count + 1, statement->count + 2);
    statement->params[statement->count++] = PARAM_TIME(behind->happened_at);
    statement->params[statement->count++] = PARAM_INT(behind->sequence);
    statement->length += length > 0 && (size_t)length < room ? (size_t)length : 0;
}

static void put_end(struct statement *statement, int64_t limit)
{
    size_t room = sizeof statement->sql - statement->length;
    statement->params[statement->count++] = PARAM_INT(limit);
    int length = snprintf(statement->sql + statement->length, room,
        " ORDER BY happened_at DESC, sequence DESC LIMIT $%zu::int8", statement->count);
    statement->length += length > 0 && (size_t)length < room ? (size_t)length : 0;
}

bool query_store_list(struct store_session *session, int32_t tenant_id, const Nwims__V1__ListAuditRequest *request,
    const struct record_place *behind, int64_t limit, struct arena *arena, Nwims__V1__AuditRecord ***out_records,
    size_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct statement statement = { .params = { PARAM_INT(tenant_id) }, .count = 1 };
    statement.length = (size_t)snprintf(
        statement.sql, sizeof statement.sql, "SELECT " COLUMNS " FROM record WHERE tenant_id = $1::int4");
    put_filters(&statement, request);
    put_place(&statement, behind);
    put_end(&statement, limit);
    if (!store_query(session, &rows, statement.sql, statement.params, statement.count, err))
        return false;
    size_t count = store_result_rows(rows);
    Nwims__V1__AuditRecord **records = arena_alloc_array(arena, count + 1, sizeof *records);
    for (size_t row = 0; records && row < count; row++) {
        records[row] = (Nwims__V1__AuditRecord *)wire_new(arena, &nwims__v1__audit_record__descriptor);
        if (!records[row])
            return err_set(err, ERR_LIMIT, "the page is too large; ask for fewer");
        fill(records[row], tenant_id, rows, row, arena);
        if (!records[row]->hash) /* the last to be copied */
            return err_set(err, ERR_LIMIT, "the page is too large; ask for fewer");
    }
    *out_records = records;
    *out_count = count;
    return records || err_set(err, ERR_LIMIT, "the page is too large; ask for fewer");
}

/* By its id where the months of a UUIDv7 are known: not stored before it was made. */
bool query_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__AuditRecord *out_record, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct uuid uuid;
    if (!uuid_parse(id, strlen(id), &uuid))
        return err_set(err, ERR_NOT_FOUND, "there is no such record");
    int64_t made_at = record_id_time(&uuid);
    if (!store_query(session, &rows,
            "SELECT " COLUMNS " FROM record WHERE tenant_id = $1::int4 AND id = $2 AND recorded_at >= $3",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id),
                PARAM_TIME(made_at > CLOCK_SLACK_US ? made_at - CLOCK_SLACK_US : 0)),
            err))
        return false;
    if (store_result_rows(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such record");
    fill(out_record, tenant_id, rows, 0, arena);
    return out_record->hash || err_set(err, ERR_LIMIT, "no memory left for the record");
}
