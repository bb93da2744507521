#include "entity_store.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

/* What a broken foreign key means to who writes the child, and to who deletes the parent. */
static const struct reference {
    const char *constraint, *field, *children;
} references[] = {
    { "municipality_region_fk", "region_id", "municipalities" },
    { "zone_municipality_fk", "municipality_id", "zones" },
    { "site_municipality_fk", "municipality_id", "sites" },
    { "site_zone_fk", "zone_id", "sites" },
    { "device_municipality_fk", "municipality_id", "devices" },
    { "device_zone_fk", "zone_id", "devices" },
    { "device_site_fk", "site_id", "devices" },
    { "sensor_device_fk", "device_id", "sensors" },
    { "sensor_municipality_fk", "municipality_id", "sensors" },
    { "sensor_zone_fk", "zone_id", "sensors" },
    { "sensor_site_fk", "site_id", "sensors" },
    { "asset_municipality_fk", "municipality_id", "assets" },
    { "asset_zone_fk", "zone_id", "assets" },
    { "asset_site_fk", "site_id", "assets" },
    { "asset_parent_fk", "parent_id", "parts" },
    { "network_municipality_fk", "municipality_id", "networks" },
    { "network_node_asset_fk", "asset_id", "a place in a network" },
    { "network_link_asset_fk", "asset_id", "a place in a network" },
};

static const struct reference *broken_reference(const struct store_session *session)
{
    for (size_t i = 0; i < COUNT_OF(references); i++)
        if (text_equal(store_broken_constraint(session), references[i].constraint))
            return &references[i];
    return NULL;
}

static bool no_such(const char *field, struct rpc_call *call, struct err *err)
{
    return rpc_violation(call, err, field, "there is no such %.*s", (int)strlen(field) - 3, field);
}

/* ---- pieces of statements ---- */
void entity_put_scope(struct sql *sql, const struct entity *entity, const struct work *work)
{
    if (work->scope.is_whole)
        return;
    if (!entity->place) {
        sql_put(
            sql, " AND id = ANY($%zu::text[]::uuid[])", sql_param(sql, PARAM_TEXTS(work->regions, work->region_count)));
    } else if (entity == &municipality_entity) { /* by what it says itself: it may have been made just now */
        size_t named = sql_param(sql, PARAM_TEXTS(work->scope.municipalities, work->scope.municipality_count)),
               regions = sql_param(sql, PARAM_TEXTS(work->scope.regions, work->scope.region_count));
        sql_put(sql, " AND (id = ANY($%zu::text[]::uuid[]) OR region_id = ANY($%zu::text[]::uuid[]))", named, regions);
    } else {
        sql_put(sql, " AND %s = ANY($%zu::text[]::uuid[])", entity->place,
            sql_param(sql, PARAM_TEXTS(work->places, work->place_count)));
    }
}

void entity_put_columns(struct sql *sql, const struct entity *entity, bool with_large)
{
    for (const struct column *column = entity->columns; column->name; column++) {
        bool is_left_out = (column->flags & COLUMN_LARGE) && !with_large;
        sql_put(sql, "%s%s", column == entity->columns ? "" : ", ", is_left_out ? "NULL" : column->name);
    }
}

/* The codes by a join and both by one list of ids: an OR of the two would read all of the tenant's. */
bool entity_put_named(struct sql *sql, const struct entity *entity, struct work *work, const char *const *names,
    size_t count, struct err *err)
{
    size_t identified = 0;
    const char **ids = arena_alloc_array(work->call->arena, count + 1, sizeof *ids);
    if (!ids)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (size_t i = 0; i < count; i++) {
        struct uuid uuid;
        if (names[i] && uuid_parse(names[i], strlen(names[i]), &uuid))
            ids[identified++] = names[i];
    }
    size_t tenant = sql_param(sql, PARAM_INT(work->tenant_id)), by_code = sql_param(sql, PARAM_TEXTS(names, count)),
           by_id = sql_param(sql, PARAM_TEXTS(ids, identified));
    sql_put(sql,
        " FROM %s WHERE tenant_id = $%zu AND id = ANY (ARRAY(SELECT n.id FROM unnest($%zu::text[]) AS u(code) JOIN %s "
        "AS n ON n.tenant_id = $%zu AND n.code = u.code UNION ALL SELECT unnest($%zu::text[])::uuid))",
        entity->noun, tenant, by_code, entity->noun, tenant, by_id);
    entity_put_scope(sql, entity, work);
    return true;
}

static bool is_written(const struct column *column, bool is_new)
{
    return !(column->flags & COLUMN_READONLY) && (is_new || !(column->flags & COLUMN_FIXED));
}

/* ---- one ---- */
/* A code may look like an id: then the id goes first. */
static bool find(struct work *work, const struct entity *entity, struct sql *sql, const char *id_or_code,
    const char *tail, struct store_result **out_rows, struct err *err)
{
    struct uuid uuid;
    AUTO(store_result) rows = NULL;
    const char *name = id_or_code ? id_or_code : "";
    const char *id = uuid_parse(name, strlen(name), &uuid) ? name : NULL;
    size_t tenant = sql_param(sql, PARAM_INT(work->tenant_id)), by_id = sql_param(sql, PARAM_TEXT(id)),
           by_code = sql_param(sql, PARAM_TEXT(name));
    sql_put(sql, " FROM %s WHERE tenant_id = $%zu AND (id = $%zu::uuid OR code = $%zu)", entity->noun, tenant, by_id,
        by_code);
    entity_put_scope(sql, entity, work);
    sql_put(sql, " ORDER BY id IS NOT DISTINCT FROM $%zu::uuid DESC LIMIT 1%s", by_id, tail);
    if (!sql_query(sql, work->session, &rows, err))
        return false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such %s", entity->noun);
    *out_rows = TAKE(rows);
    return true;
}

bool entity_store_lock(struct work *work, const struct entity *entity, const char *id_or_code, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    sql_put(&sql, "SELECT id, code, version");
    if (!find(work, entity, &sql, id_or_code, " FOR UPDATE", &rows, err))
        return false;
    snprintf(work->key.id, sizeof work->key.id, "%s", store_result_text(rows, 0, 0));
    snprintf(work->key.code, sizeof work->key.code, "%s", store_result_text(rows, 0, 1));
    work->key.version = store_result_int(rows, 0, 2);
    return true;
}

bool entity_store_get(
    struct work *work, const struct entity *entity, const char *id_or_code, void *out_message, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    sql_put(&sql, "SELECT ");
    entity_put_columns(&sql, entity, true);
    if (!find(work, entity, &sql, id_or_code, "", &rows, err))
        return false;
    struct row row = { .rows = rows, .arena = work->call->arena };
    return row_fill(&row, entity, out_message, err);
}

bool entity_store_delete(struct work *work, const struct entity *entity, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    size_t tenant = sql_param(&sql, PARAM_INT(work->tenant_id)), id = sql_param(&sql, PARAM_TEXT(work->key.id));
    sql_put(&sql, "DELETE FROM %s WHERE tenant_id = $%zu AND id = $%zu::uuid", entity->noun, tenant, id);
    if (sql_query(&sql, work->session, &rows, err))
        return true;
    const struct reference *reference = broken_reference(work->session);
    return reference && err->kind == ERR_CONFLICT
               ? err_set(err, ERR_CONFLICT, "the %s %s still has %s", entity->noun, work->key.code, reference->children)
               : false;
}

/* ---- writing ---- */
static bool explain(const struct work *work, const struct entity *entity, const char *code, struct err *err)
{
    char unique[64];
    const char *constraint = store_broken_constraint(work->session);
    const struct reference *reference = broken_reference(work->session);
    snprintf(unique, sizeof unique, "%s_code", entity->noun);
    if (err->kind == ERR_CONFLICT && strcmp(constraint, unique) == 0)
        return err_set(err, ERR_CONFLICT, "there is a %s with the code %s already", entity->noun, code);
    if (err->kind == ERR_CONFLICT && reference)
        return no_such(reference->field, work->call, err);
    if (err->kind == ERR_INPUT && strcmp(constraint, "sensor_range") == 0)
        return rpc_violation(work->call, err, "range_max", "must be more than range_min");
    if (err->kind == ERR_INPUT && strcmp(constraint, "asset_parent_is_another") == 0)
        return rpc_violation(work->call, err, "parent_id", "must be another asset");
    return false;
}

/* Whether a row of the entity is there for this caller. */
static bool is_in_scope(
    struct work *work, const struct entity *entity, const char *id, bool *out_is_there, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    size_t tenant = sql_param(&sql, PARAM_INT(work->tenant_id)), by_id = sql_param(&sql, PARAM_TEXT(id));
    sql_put(&sql, "SELECT 1 FROM %s WHERE tenant_id = $%zu AND id = $%zu::uuid", entity->noun, tenant, by_id);
    entity_put_scope(&sql, entity, work);
    if (!sql_query(&sql, work->session, &rows, err))
        return false;
    *out_is_there = store_result_rows(rows) == 1;
    return true;
}

/* What a caller cannot see it cannot refer to either. A municipality is put into a region only by those who may do all
 * in that region, or it would be given away. */
static bool check_references(
    struct work *work, const struct entity *entity, const ProtobufCMessage *message, struct err *err)
{
    for (const struct column *column = entity->columns; column->name && !work->scope.is_whole; column++) {
        bool is_there = true;
        const struct store_param id = row_param(message, column->name);
        if (!column->refers || id.type == STORE_NULL)
            continue;
        if (!column->refers->place)
            is_there = scope_has_region(&work->scope, id.data);
        else if (!is_in_scope(work, column->refers, id.data, &is_there, err))
            return false;
        if (!is_there)
            return no_such(column->name, work->call, err);
    }
    return true;
}

static bool write_row(struct work *work, const struct entity *entity, struct sql *sql, const char *code,
    void *out_message, struct err *err)
{
    AUTO(store_result) rows = NULL;
    bool is_inside = true;
    sql_put(sql, " RETURNING ");
    entity_put_columns(sql, entity, true);
    if (!sql_query(sql, work->session, &rows, err))
        return explain(work, entity, code, err);
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such %s", entity->noun);
    struct row row = { .rows = rows, .arena = work->call->arena };
    if (!row_fill(&row, entity, out_message, err))
        return false;
    if (!work->scope.is_whole && !is_in_scope(work, entity, store_result_text(rows, 0, 0), &is_inside, err))
        return false;
    return is_inside ||
           err_set(err, ERR_DENIED,
               "the %s would lie outside the regions and municipalities that your permission is for", entity->noun);
}

static const char *code_of(const struct work *work, const ProtobufCMessage *message)
{
    const struct store_param code = row_param(message, "code");
    return code.type == STORE_TEXT ? code.data : work->key.code;
}

bool entity_store_create(
    struct work *work, const struct entity *entity, const void *message, void *out_message, struct err *err)
{
    char id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    AUTO_INPLACE(sql) sql = SQL_INIT;
    uuid_format(id, &uuid);
    if (!check_references(work, entity, message, err))
        return false;
    sql_put(&sql, "INSERT INTO %s (tenant_id, id", entity->noun);
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column, true))
            sql_put(&sql, ", %s", column->name);
    sql_put(&sql, ") VALUES ($%zu", sql_param(&sql, PARAM_INT(work->tenant_id)));
    sql_put(&sql, ", $%zu::uuid", sql_param(&sql, PARAM_TEXT(id)));
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column, true))
            sql_put(&sql, ", coalesce($%zu::%s, %s)", sql_param(&sql, row_param(message, column->name)), column->type,
                column->preset ? column->preset : "NULL");
    sql_put(&sql, ")");
    return write_row(work, entity, &sql, code_of(work, message), out_message, err);
}

/* The names of the columns that the request sets or clears. */
static bool name_given(struct work *work, const struct entity *entity, const ProtobufCMessage *message,
    const char ***out_names, size_t *out_count, struct err *err)
{
    size_t most = 0, count = 0;
    while (entity->columns[most].name)
        most++;
    const char **names = arena_alloc_array(work->call->arena, most, sizeof *names);
    if (!names)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column, false) && row_is_given(message, column->name))
            names[count++] = column->name;
    *out_names = names;
    *out_count = count;
    return true;
}

/* One text for every combination of fields, so that it is prepared once: each column asks whether it is named. */
bool entity_store_update(
    struct work *work, const struct entity *entity, const void *message, void *out_message, struct err *err)
{
    const char **names = NULL;
    size_t count = 0;
    AUTO_INPLACE(sql) sql = SQL_INIT;
    if (!check_references(work, entity, message, err) || !name_given(work, entity, message, &names, &count, err))
        return false;
    size_t tenant = sql_param(&sql, PARAM_INT(work->tenant_id)), id = sql_param(&sql, PARAM_TEXT(work->key.id)),
           given = sql_param(&sql, PARAM_TEXTS(names, count));
    sql_put(&sql, "UPDATE %s SET version = version + 1, updated_at = now()", entity->noun);
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column, false))
            sql_put(&sql, ", %s = CASE WHEN '%s' = ANY($%zu::text[]) THEN $%zu::%s ELSE %s END", column->name,
                column->name, given, sql_param(&sql, row_param(message, column->name)), column->type, column->name);
    sql_put(&sql, " WHERE tenant_id = $%zu AND id = $%zu::uuid", tenant, id);
    return write_row(work, entity, &sql, code_of(work, message), out_message, err);
}
