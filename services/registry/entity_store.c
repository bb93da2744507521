#include "entity_store.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum { SQL_SIZE = 1024 };

/* What a broken foreign key means to who writes the child, and to who deletes the parent. */
static const struct reference {
    const char *constraint, *field, *children;
} references[] = {
    { "zone_municipality_fk", "municipality_id", "zones" },
    { "device_municipality_fk", "municipality_id", "devices" },
    { "device_zone_fk", "zone_id", "devices" },
    { "sensor_device_fk", "device_id", "sensors" },
    { "sensor_municipality_fk", "municipality_id", "sensors" },
    { "sensor_zone_fk", "zone_id", "sensors" },
};

static const struct reference *broken_reference(const struct store_session *session)
{
    for (size_t i = 0; i < COUNT_OF(references); i++)
        if (text_equal(store_broken_constraint(session), references[i].constraint))
            return &references[i];
    return NULL;
}

/* ---- rows ---- */
char *row_text(struct row *row, size_t column)
{
    char *text = store_result_copy(row->rows, row->number, column, row->arena);
    row->is_cut = row->is_cut || (!text && !store_result_is_null(row->rows, row->number, column));
    return text;
}

bool row_int(const struct row *row, size_t column, int64_t *out_value)
{
    *out_value = store_result_int(row->rows, row->number, column);
    return !store_result_is_null(row->rows, row->number, column);
}

bool row_double(const struct row *row, size_t column, double *out_value)
{
    *out_value = store_result_double(row->rows, row->number, column);
    return !store_result_is_null(row->rows, row->number, column);
}

bool row_time(const struct row *row, size_t column, int64_t *out_us)
{
    *out_us = store_result_time(row->rows, row->number, column);
    return !store_result_is_null(row->rows, row->number, column);
}

static bool fill(const struct entity *entity, const struct store_result *rows, size_t number, struct arena *arena,
    void *message, struct err *err)
{
    struct row row = { .rows = rows, .number = number, .arena = arena };
    entity->fill(message, &row);
    return !row.is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

/* ---- one ---- */
/* A code may look like an id: then the id goes first. */
#define BY_ID_OR_CODE                                                                                                  \
    " WHERE tenant_id = $1 AND (id = $2::uuid OR code = $3) ORDER BY id IS NOT DISTINCT FROM $2::uuid DESC LIMIT 1"

static bool find(struct store_session *session, const struct entity *entity, const char *sql, int32_t tenant_id,
    const char *id_or_code, struct store_result **out_rows, struct err *err)
{
    struct uuid uuid;
    AUTO(store_result) rows = NULL;
    const char *name = id_or_code ? id_or_code : "";
    const char *id = uuid_parse(name, strlen(name), &uuid) ? name : NULL;
    if (!store_query(session, &rows, sql, PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_TEXT(name)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such %s", entity->noun);
    *out_rows = TAKE(rows);
    return true;
}

bool entity_store_lock(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const char *id_or_code, struct entity_key *out_key, struct err *err)
{
    char sql[SQL_SIZE];
    AUTO(store_result) rows = NULL;
    snprintf(sql, sizeof sql, "SELECT id, code FROM %s" BY_ID_OR_CODE " FOR UPDATE", entity->noun);
    if (!find(session, entity, sql, tenant_id, id_or_code, &rows, err))
        return false;
    snprintf(out_key->id, sizeof out_key->id, "%s", store_result_text(rows, 0, 0));
    snprintf(out_key->code, sizeof out_key->code, "%s", store_result_text(rows, 0, 1));
    return true;
}

bool entity_store_get(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const char *id_or_code, struct arena *arena, void *out_message, struct err *err)
{
    char sql[SQL_SIZE];
    AUTO(store_result) rows = NULL;
    snprintf(sql, sizeof sql, "SELECT %s FROM %s" BY_ID_OR_CODE, entity->columns, entity->noun);
    return find(session, entity, sql, tenant_id, id_or_code, &rows, err) &&
           fill(entity, rows, 0, arena, out_message, err);
}

bool entity_store_delete(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const struct entity_key *key, struct err *err)
{
    char sql[SQL_SIZE];
    snprintf(sql, sizeof sql, "DELETE FROM %s WHERE tenant_id = $1 AND id = $2::uuid", entity->noun);
    if (store_run(session, sql, PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(key->id)), NULL, err))
        return true;
    const struct reference *reference = broken_reference(session);
    return reference && err->kind == ERR_CONFLICT
               ? err_set(err, ERR_CONFLICT, "the %s %s still has %s", entity->noun, key->code, reference->children)
               : false;
}

/* ---- many ---- */
static const char *const filters[] = {
    " AND ($6::uuid IS NULL OR municipality_id = $6::uuid)",
    " AND ($7::uuid IS NULL OR zone_id = $7::uuid)",
    " AND ($8::uuid IS NULL OR device_id = $8::uuid)",
    " AND ($9::text IS NULL OR kind = $9::text)",
};

static void write_list_sql(char sql[SQL_SIZE], const struct entity *entity)
{
    char chosen[SQL_SIZE / 2] = "";
    for (size_t i = 0; i < entity->filters; i++)
        snprintf(chosen + strlen(chosen), sizeof chosen - strlen(chosen), "%s", filters[i]);
    snprintf(sql, SQL_SIZE,
        "SELECT %s FROM %s WHERE tenant_id = $1 AND (code, id) > ($2, $3::uuid) AND ($4::text IS NULL OR "
        "starts_with(code, $4))%s ORDER BY code, id LIMIT $5::int8",
        entity->columns, entity->noun, chosen);
}

static bool fill_all(const struct entity *entity, const struct store_result *rows, size_t count, struct arena *arena,
    struct entity_items *items, struct err *err)
{
    void **messages = arena_alloc_array(arena, count ? count : 1, sizeof *messages);
    for (size_t i = 0; messages && i < count; i++) {
        messages[i] = wire_new(arena, entity->descriptor);
        if (!messages[i])
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        if (!fill(entity, rows, i, arena, messages[i], err))
            return false;
    }
    items->count = count;
    items->messages = messages;
    return messages || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool entity_store_list(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const Nwims__V1__ListRequest *request, const struct page *page, struct arena *arena, struct entity_items *out_items,
    struct err *err)
{
    char sql[SQL_SIZE];
    AUTO(store_result) rows = NULL;
    /* One more than asked for tells whether there is a next page. */
    const struct store_param params[] = { PARAM_INT(tenant_id), PARAM_TEXT(page->after_code),
        PARAM_TEXT(page->after_id), PARAM_TEXT(request->code_prefix), PARAM_INT(page->limit + 1),
        PARAM_TEXT(request->municipality_id), PARAM_TEXT(request->zone_id), PARAM_TEXT(request->device_id),
        PARAM_TEXT(request->kind) };
    write_list_sql(sql, entity);
    if (!store_query(session, &rows, sql, params, 5 + entity->filters, err))
        return false;
    size_t count = store_result_rows(rows);
    bool has_more = count > (size_t)page->limit;
    count -= has_more;
    struct entity_items items = { 0 };
    if (!fill_all(entity, rows, count, arena, &items, err))
        return false;
    if (has_more)
        items.next_cursor =
            page_cursor(arena, store_result_text(rows, count - 1, 0), store_result_text(rows, count - 1, 1));
    if (has_more && !items.next_cursor)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    *out_items = items;
    return true;
}

/* ---- writing ---- */
static bool explain(const struct store_session *session, const struct entity *entity, const char *code,
    struct rpc_call *call, struct err *err)
{
    char unique[64];
    const char *constraint = store_broken_constraint(session);
    const struct reference *reference = broken_reference(session);
    snprintf(unique, sizeof unique, "%s_code", entity->noun);
    if (err->kind == ERR_CONFLICT && strcmp(constraint, unique) == 0)
        return err_set(err, ERR_CONFLICT, "there is a %s with the code %s already", entity->noun, code);
    if (err->kind == ERR_CONFLICT && reference)
        return rpc_violation(
            call, err, reference->field, "there is no such %.*s", (int)strlen(reference->field) - 3, reference->field);
    if (err->kind == ERR_INPUT && strcmp(constraint, "sensor_range") == 0)
        return rpc_violation(call, err, "range_max", "must be more than range_min");
    return false;
}

bool entity_store_write(struct store_session *session, const struct entity *entity, const char *sql,
    const struct store_param *params, size_t param_count, const char *code, struct rpc_call *call, void *out_message,
    struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, sql, params, param_count, err))
        return explain(session, entity, code ? code : "", call, err);
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such %s", entity->noun);
    return fill(entity, rows, 0, call->arena, out_message, err);
}
