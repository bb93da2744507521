#include "rows_reference.h"
#include "base/map.h"
#include "entity_store.h"
#include "transcode/field_value.h"
#include <string.h>

struct rows_references *rows_references_new(const struct rows *rows, size_t most, struct arena *arena)
{
    struct rows_references *references = arena_alloc_array(arena, rows->column_count + 1, sizeof *references);
    for (size_t i = 0; references && i < rows->column_count; i++) {
        if (!rows->columns[i].refers)
            continue;
        references[i].most = most;
        references[i].names = arena_alloc_array(arena, most, sizeof *references[i].names);
        if (!references[i].names)
            return NULL;
    }
    return references;
}

bool rows_references_add(struct rows_references *references, size_t at, const char *name)
{
    if (at >= references->most)
        return false;
    references->names[at] = name;
    return true;
}

/* All that is named in the column, by code and by id. */
static bool look_up(
    struct work *work, const struct entity *entity, const char **names, size_t count, struct map *ids, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    sql_put(&sql, "SELECT id, code");
    if (!entity_put_named(&sql, entity, work, names, count, err))
        return false;
    if (!sql_query(&sql, work->session, &rows, err))
        return false;
    for (size_t i = 0; i < store_result_rows(rows); i++) {
        char *id = store_result_copy(rows, i, 0, arena);
        const char *code = store_result_text(rows, i, 1);
        if (!id || !map_put(ids, code, strlen(code), id, NULL) || !map_put(ids, id, strlen(id), id, NULL))
            return err_set(err, ERR_LIMIT, "no memory left for the rows");
    }
    return true;
}

static bool put_ids(struct work *work, const struct rows_column *column, const struct rows_references *references,
    const struct map *ids, struct bulk_item *items, struct err *err)
{
    for (size_t i = 0; i < references->most; i++) {
        const char *name = references->names[i];
        if (!name || items[i].reason)
            continue;
        union field_value id = { .text = map_get(ids, name, strlen(name)) };
        if (id.text) {
            field_put(items[i].message,
                protobuf_c_message_descriptor_get_field_by_name(items[i].message->descriptor, column->field), &id);
            continue;
        }
        items[i].field = column->field;
        items[i].reason =
            arena_printf(work->call->arena, "there is no %s with the code %s", column->refers->noun, name);
        if (!items[i].reason)
            return err_set(err, ERR_LIMIT, "no memory left for the rows");
    }
    return true;
}

static bool has_any(const struct rows_references *references)
{
    for (size_t i = 0; i < references->most; i++)
        if (references->names[i])
            return true;
    return false;
}

bool rows_references_resolve(struct rows_references *references, const struct rows *rows, struct work *work,
    struct bulk_item *items, struct err *err)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        if (!rows->columns[i].refers || !has_any(&references[i]))
            continue;
        AUTO(map) ids = map_new(4 * references[i].most + 4);
        if (!ids)
            return err_set(err, ERR_LIMIT, "no memory left for the rows");
        if (!look_up(work, rows->columns[i].refers, references[i].names, references[i].most, ids, err) ||
            !put_ids(work, &rows->columns[i], &references[i], ids, items, err))
            return false;
    }
    return true;
}
