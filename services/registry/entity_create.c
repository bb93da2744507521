#include "entity_create.h"
#include "base/map.h"
#include "entity_store.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_written(const struct column *column)
{
    return !(column->flags & COLUMN_READONLY);
}

/* As PostgreSQL reads it in a cast from text; NULL is none. False without memory. */
static bool text_of(const struct store_param *param, struct arena *arena, const char **out_text)
{
    switch (param->type) {
    case STORE_TEXT:
        *out_text = param->data;
        return true;
    case STORE_INT:
        *out_text = arena_printf(arena, "%" PRId64, param->number);
        return *out_text != NULL;
    case STORE_DOUBLE:
        *out_text = arena_printf(arena, "%.17g", param->real);
        return *out_text != NULL;
    case STORE_BOOL:
        *out_text = param->number ? "true" : "false";
        return true;
    default:
        *out_text = NULL;
        return param->type == STORE_NULL;
    }
}

/* The values of one column over all messages, as one array of texts. */
static bool put_column(struct sql *sql, const struct column *column, ProtobufCMessage *const *messages, size_t count,
    struct arena *arena, struct err *err)
{
    const char **texts = arena_alloc_array(arena, count, sizeof *texts);
    for (size_t i = 0; texts && i < count; i++) {
        const struct store_param param = row_param(messages[i], column->name);
        if (!text_of(&param, arena, &texts[i]))
            return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    }
    if (!texts)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    sql_put(sql, ", $%zu::text[]", sql_param(sql, PARAM_TEXTS(texts, count)));
    return true;
}

static bool put_ids(struct sql *sql, size_t count, struct arena *arena, struct err *err)
{
    const char **ids = arena_alloc_array(arena, count, sizeof *ids);
    char(*texts)[UUID_TEXT_SIZE] = arena_alloc_array(arena, count, sizeof *texts);
    if (!ids || !texts)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    for (size_t i = 0; i < count; i++) {
        struct uuid uuid = uuid_new();
        uuid_format(texts[i], &uuid);
        ids[i] = texts[i];
    }
    sql_put(sql, "$%zu::text[]", sql_param(sql, PARAM_TEXTS(ids, count)));
    return true;
}

static bool put_statement(struct sql *sql, const struct work *work, const struct entity *entity,
    ProtobufCMessage *const *messages, size_t count, struct err *err)
{
    sql_put(sql, "INSERT INTO %s (tenant_id, id", entity->noun);
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column))
            sql_put(sql, ", %s", column->name);
    sql_put(sql, ") SELECT $%zu, u.id::uuid", sql_param(sql, PARAM_INT(work->tenant_id)));
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column))
            sql_put(
                sql, ", coalesce(u.%s::%s, %s)", column->name, column->type, column->preset ? column->preset : "NULL");
    sql_put(sql, " FROM unnest(");
    if (!put_ids(sql, count, work->call->arena, err))
        return false;
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column) && !put_column(sql, column, messages, count, work->call->arena, err))
            return false;
    sql_put(sql, ") AS u(id");
    for (const struct column *column = entity->columns; column->name; column++)
        if (is_written(column))
            sql_put(sql, ", %s", column->name);
    sql_put(sql, ") RETURNING ");
    entity_put_columns(sql, entity, true);
    return true;
}

/* The rows come back in whatever order: by code each finds its message. */
static bool read_written(struct work *work, const struct entity *entity, const struct store_result *rows,
    ProtobufCMessage *const *messages, size_t count, ProtobufCMessage **out_written, struct err *err)
{
    AUTO(map) by_code = map_new(2 * count + 4);
    for (size_t i = 0; by_code && i < store_result_rows(rows); i++) {
        struct row row = { .rows = rows, .number = i, .arena = work->call->arena };
        ProtobufCMessage *message = wire_new(row.arena, entity->descriptor);
        const char *code = store_result_text(rows, i, 1);
        if (!message || !map_put(by_code, code, strlen(code), message, NULL))
            return err_set(err, ERR_LIMIT, "no memory left for a chunk");
        if (!row_fill(&row, entity, message, err))
            return false;
    }
    for (size_t i = 0; by_code && i < count; i++) {
        const struct store_param code = row_param(messages[i], "code");
        out_written[i] = map_get(by_code, code.data, strlen(code.data));
        if (!out_written[i])
            return err_set(err, ERR_BUG, "a new %s is not among those that were made", entity->noun);
    }
    return by_code || err_set(err, ERR_LIMIT, "no memory left for a chunk");
}

bool entity_create_all(struct work *work, const struct entity *entity, ProtobufCMessage *const *messages, size_t count,
    ProtobufCMessage **out_written, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    return put_statement(&sql, work, entity, messages, count, err) && sql_query(&sql, work->session, &rows, err) &&
           read_written(work, entity, rows, messages, count, out_written, err);
}
