#include "entity_list.h"
#include <stdio.h>
#include <string.h>

/* NATS takes 1 MiB a message unless told otherwise. */
enum { PAGE_BYTES = 640 * 1024 };

/* The key of each sort: what it is in SQL, word for word as in its index, and its type. Under row-level security only
 * what cannot leak goes to an index: coalesce() is not taken for that, CASE is (migration 0005). */
static const struct sort {
    const char *expression, *type;
} sorts[] = {
    [PAGE_BY_CODE] = { "code", "text" },
    [PAGE_BY_NAME] = { "CASE WHEN name IS NULL THEN '' ELSE name END COLLATE \"C\"", "text" },
    [PAGE_BY_AGE] = { "created_at", "timestamptz" },
};

static void put_conditions(struct sql *sql, const struct entity *entity, const ProtobufCMessage *request)
{
    for (const struct filter *filter = entity->filters; filter->field; filter++) {
        char number[24];
        const char *place = strstr(filter->condition, "%s");
        const struct store_param value = row_param(request, filter->field);
        if (value.type == STORE_NULL || !place)
            continue;
        snprintf(number, sizeof number, "$%zu", sql_param(sql, value));
        sql_put(sql, " AND %.*s%s%s", (int)(place - filter->condition), filter->condition, number, place + 2);
    }
}

/* Codes are ASCII without control characters: all that begin so lie before prefix + DEL. As a range it has the index,
 * whatever plan is taken. */
static void put_prefix(struct sql *sql, const ProtobufCMessage *request)
{
    const struct store_param prefix = row_param(request, "code_prefix");
    if (prefix.type == STORE_NULL)
        return;
    size_t number = sql_param(sql, prefix);
    sql_put(sql, " AND code >= $%zu::text AND code < $%zu::text || chr(127)", number, number);
}

void entity_put_filters(struct sql *sql, const struct entity *entity, const ProtobufCMessage *request)
{
    put_conditions(sql, entity, request);
    put_prefix(sql, request);
}

/* A code is unique, so that it alone is the order; other keys have the id behind them. */
static void put_order(struct sql *sql, const struct page *page)
{
    const struct sort *sort = &sorts[page->key];
    const char *beyond = page->is_descending ? "<" : ">", *direction = page->is_descending ? " DESC" : "";
    bool is_unique = page->key == PAGE_BY_CODE;
    if (page->has_after && is_unique) {
        sql_put(sql, " AND code %s $%zu::text", beyond, sql_param(sql, PARAM_TEXT(page->after_key)));
    } else if (page->has_after) {
        size_t key = sql_param(sql, PARAM_TEXT(page->after_key)), id = sql_param(sql, PARAM_TEXT(page->after_id));
        sql_put(sql, " AND (%s, id) %s ($%zu::%s, $%zu::uuid)", sort->expression, beyond, key, sort->type, id);
    }
    sql_put(sql, " ORDER BY %s%s", sort->expression, direction);
    if (!is_unique)
        sql_put(sql, ", id%s", direction);
}

static bool run(struct work *work, const struct entity *entity, const ProtobufCMessage *request,
    const struct page *page, bool with_large, struct store_result **out_rows, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    sql_put(&sql, "SELECT ");
    entity_put_columns(&sql, entity, with_large);
    /* The key as text, for the cursor. */
    sql_put(&sql, ", (%s)::text AS page_key FROM %s", sorts[page->key].expression, entity->noun);
    sql_put(&sql, " WHERE tenant_id = $%zu", sql_param(&sql, PARAM_INT(work->tenant_id)));
    entity_put_filters(&sql, entity, request);
    entity_put_scope(&sql, entity, work);
    put_order(&sql, page);
    /* One more than asked for tells whether there is a next page. */
    sql_put(&sql, " LIMIT $%zu::int8", sql_param(&sql, PARAM_INT(page->limit + 1)));
    return sql_query(&sql, work->session, out_rows, err);
}

static bool fill_all(struct work *work, const struct entity *entity, const struct store_result *rows, size_t most,
    struct entity_items *items, struct err *err)
{
    struct arena *arena = work->call->arena;
    size_t bytes = 0;
    items->messages = arena_alloc_array(arena, most + 1, sizeof *items->messages);
    if (!items->messages)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    while (items->count < most) {
        struct row row = { .rows = rows, .number = items->count, .arena = arena };
        ProtobufCMessage *message = wire_new(arena, entity->descriptor);
        if (!message)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        if (!row_fill(&row, entity, message, err))
            return false;
        bytes += protobuf_c_message_get_packed_size(message) + 8;
        if (bytes > PAGE_BYTES && items->count > 0)
            break;
        items->messages[items->count++] = message;
    }
    return true;
}

static size_t column_count(const struct entity *entity)
{
    size_t count = 0;
    while (entity->columns[count].name)
        count++;
    return count;
}

bool entity_list_read(struct work *work, const struct entity *entity, const ProtobufCMessage *request,
    const struct page *page, bool with_large, struct entity_items *out_items, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct entity_items items = { 0 };
    if (!run(work, entity, request, page, with_large, &rows, err))
        return false;
    size_t found = store_result_rows(rows);
    if (!fill_all(work, entity, rows, found > (size_t)page->limit ? (size_t)page->limit : found, &items, err))
        return false;
    if (found > items.count) {
        const char *id = store_result_text(rows, items.count - 1, 0);
        const char *key = store_result_text(rows, items.count - 1, column_count(entity));
        items.next_cursor = page_cursor(work->call->arena, page, id, key);
        if (!items.next_cursor)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
    }
    *out_items = items;
    return true;
}
