#include "entity_sql.h"
#include "base/buffer.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

bool entity_field_is_ours(const ProtobufCFieldDescriptor *field)
{
    static const char *const ours[] = { "id", "sensor_no", "created_at", "updated_at" };
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (strcmp(field->name, ours[i]) == 0)
            return true;
    return false;
}

static void put_columns(struct buffer *out, const struct entity *entity, bool only_writable)
{
    const char *separator = "";
    for (unsigned i = 0; i < entity->message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &entity->message->fields[i];
        if (only_writable && entity_field_is_ours(field))
            continue;
        buffer_printf(out, "%s%s", separator, field->name);
        separator = ", ";
    }
}

static void copy(char *target, size_t size, const struct buffer *text)
{
    /* The tables are ours: a statement that does not fit is our mistake and shows at once in every test. */
    snprintf(target, size, "%s", buffer_ok(text) ? text->data : "");
}

/* A column that has a preset takes it when nothing is given. */
static void put_value(struct buffer *out, const char *column, int number)
{
    if (strcmp(column, "state") == 0)
        buffer_printf(out, ", coalesce($%d, 'active')", number);
    else
        buffer_printf(out, ", $%d", number);
}

static void make_insert(struct entity_sql *sql, const struct entity *entity)
{
    AUTO_INPLACE(buffer) text = { 0 };
    int number = 3;
    buffer_printf(&text, "INSERT INTO registry.%s (tenant_id, id, ", entity->table);
    put_columns(&text, entity, true);
    buffer_put_text(&text, ") VALUES ($1, $2");
    for (unsigned i = 0; i < entity->message->n_fields; i++)
        if (!entity_field_is_ours(&entity->message->fields[i]))
            put_value(&text, entity->message->fields[i].name, number++);
    buffer_put_text(&text, ") RETURNING ");
    put_columns(&text, entity, false);
    copy(sql->insert, sizeof sql->insert, &text);
}

static void make_update(struct entity_sql *sql, const struct entity *entity)
{
    AUTO_INPLACE(buffer) text = { 0 };
    int number = 3;
    buffer_printf(&text, "UPDATE registry.%s SET updated_at = now()", entity->table);
    for (unsigned i = 0; i < entity->message->n_fields; i++) {
        const char *name = entity->message->fields[i].name;
        if (entity_field_is_ours(&entity->message->fields[i]))
            continue;
        buffer_printf(&text, ", %s = coalesce($%d, %s)", name, number++, name);
    }
    buffer_put_text(&text, " WHERE tenant_id = $1 AND id = $2 RETURNING ");
    put_columns(&text, entity, false);
    copy(sql->update, sizeof sql->update, &text);
}

static void make_get(char *target, size_t size, const struct entity *entity, const char *column)
{
    AUTO_INPLACE(buffer) text = { 0 };
    buffer_put_text(&text, "SELECT ");
    put_columns(&text, entity, false);
    buffer_printf(&text, " FROM registry.%s WHERE tenant_id = $1 AND %s = $2", entity->table, column);
    copy(target, size, &text);
}

static void make_list(struct entity_sql *sql, const struct entity *entity)
{
    AUTO_INPLACE(buffer) text = { 0 };
    buffer_put_text(&text, "SELECT ");
    put_columns(&text, entity, false);
    buffer_printf(&text, " FROM registry.%s WHERE tenant_id = $1 AND (code, id) > ($2, $3) AND ($4::text IS NULL OR code LIKE $4)", entity->table);
    for (int i = 0; i < ENTITY_MOST_FILTERS && entity->filters[i]; i++)
        buffer_printf(&text, " AND ($%d::text IS NULL OR %s::text = $%d)", i + 6, entity->filters[i], i + 6);
    buffer_put_text(&text, " ORDER BY code, id LIMIT $5::bigint");
    copy(sql->list, sizeof sql->list, &text);
}

static struct {
    const struct entity *entity;
    struct entity_sql sql;
} made[] = { { .entity = &municipality_entity }, { .entity = &zone_entity }, { .entity = &device_entity }, { .entity = &sensor_entity } };

static void make_all(void)
{
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        struct entity_sql *sql = &made[i].sql;
        make_insert(sql, made[i].entity);
        make_update(sql, made[i].entity);
        make_get(sql->get_by_id, sizeof sql->get_by_id, made[i].entity, "id");
        make_get(sql->get_by_code, sizeof sql->get_by_code, made[i].entity, "code");
        make_list(sql, made[i].entity);
        snprintf(sql->delete, sizeof sql->delete, "DELETE FROM registry.%s WHERE tenant_id = $1 AND id = $2", made[i].entity->table);
    }
}

const struct entity_sql *entity_sql_of(const struct entity *entity)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_all);
    for (size_t i = 0; i < COUNT_OF(made); i++)
        if (made[i].entity == entity)
            return &made[i].sql;
    return NULL;
}
