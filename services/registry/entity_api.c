#include "entity_api.h"
#include "field.h"
#include "service/precondition.h"
#include "transcode/field_value.h"
#include <string.h>

static const char *text_of(const ProtobufCMessage *message, const char *field)
{
    const struct store_param param = row_param(message, field);
    return param.type == STORE_TEXT ? param.data : NULL;
}

/* ---- reading ---- */
bool entity_read_page(struct rpc_call *call, const ProtobufCMessage *request, struct page *out_page, struct err *err)
{
    static const char *const ids[] = { "region_id", "municipality_id", "zone_id", "site_id", "device_id" };
    const struct store_param limit = row_param(request, "limit");
    struct err why = { 0 };
    if (!page_sort(out_page, text_of(request, "sort"), &why))
        return rpc_violation(call, err, "sort", "%s", why.text);
    if (!page_begin(out_page, text_of(request, "cursor"), limit.type == STORE_INT, (int32_t)limit.number, &why))
        rpc_violation(call, err, "cursor", "%s", why.text);
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        field_reference(call, err, ids[i], text_of(request, ids[i]), false);
    return err->kind == ERR_NONE;
}

/* Every List...Reply has items and next_cursor. */
static void put_items(ProtobufCMessage *reply, const struct entity_items *items)
{
    const ProtobufCFieldDescriptor *list = protobuf_c_message_descriptor_get_field_by_name(reply->descriptor, "items");
    const ProtobufCFieldDescriptor *cursor =
        protobuf_c_message_descriptor_get_field_by_name(reply->descriptor, "next_cursor");
    const union field_value text = { .text = items->next_cursor };
    memcpy((char *)reply + list->quantifier_offset, &items->count, sizeof items->count);
    memcpy((char *)reply + list->offset, &items->messages, sizeof items->messages);
    field_put(reply, cursor, &text);
}

bool entity_list(struct registry *registry, struct rpc_call *call, const struct entity *entity, const void *request,
    void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    struct page page;
    struct entity_items items;
    if (!entity_read_page(call, request, &page, err) ||
        !work_begin(&work, registry, call, entity->plural, "read", err) ||
        !entity_list_read(&work, entity, request, &page, false, &items, err))
        return false;
    put_items(reply, &items);
    return true;
}

bool entity_get(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    return work_begin(&work, registry, call, entity->plural, "read", err) &&
           entity_store_get(&work, entity, request->id, reply, err);
}

/* ---- telling ---- */
static bool announce(
    struct work *work, const struct entity *entity, const char *what, const char *id, const char *code, struct err *err)
{
    const struct change change = { .noun = entity->noun, .change = what, .id = id, .code = code };
    return work_announce(work, &change, err);
}

static bool may_have_moved(const struct work *work, const struct entity *entity)
{
    for (const struct column *column = entity->columns; column->name; column++)
        if ((column->flags & COLUMN_PLACE) && row_is_given(work->call->request, column->name))
            return true;
    return false;
}

bool entity_created(struct work *work, const struct entity *entity, const ProtobufCMessage *message, struct err *err)
{
    return announce(work, entity, "created", text_of(message, "id"), text_of(message, "code"), err) &&
           work_commit(work, err);
}

bool entity_deleted(struct work *work, const struct entity *entity, struct err *err)
{
    return announce(work, entity, "deleted", work->key.id, work->key.code, err) && work_commit(work, err);
}

/* Whoever keeps things by code must hear of both: what it knows by the old one, and that the new one exists. */
bool entity_updated(struct work *work, const struct entity *entity, const ProtobufCMessage *message, struct err *err)
{
    const char *code = text_of(message, "code");
    struct change change = { .noun = entity->noun,
        .change = "updated",
        .id = work->key.id,
        .code = work->key.code,
        .has_moved = may_have_moved(work, entity) };
    if (!work_announce(work, &change, err))
        return false;
    change.code = code;
    change.is_told = true;
    bool is_renamed = code && strcmp(code, work->key.code) != 0;
    return (!is_renamed || work_announce(work, &change, err)) && work_commit(work, err);
}

/* ---- writing ---- */
static const struct column *column_named(const struct entity *entity, const char *name)
{
    for (const struct column *column = entity->columns; column->name; column++)
        if (strcmp(column->name, name) == 0)
            return column;
    return NULL;
}

static void check_cleared(
    struct rpc_call *call, const struct entity *entity, const ProtobufCMessage *message, struct err *err)
{
    const ProtobufCFieldDescriptor *list =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "clear");
    const int lasting = COLUMN_READONLY | COLUMN_REQUIRED | COLUMN_KEPT | COLUMN_FIXED;
    for (size_t i = 0; list && i < field_count(message, list); i++) {
        const char *name = field_get(message, list, i).text;
        const struct column *column = column_named(entity, name);
        if (!column || (column->flags & lasting))
            rpc_violation(call, err, name, "cannot be null");
    }
}

bool entity_check(struct rpc_call *call, const struct entity *entity, const void *request, bool is_new, struct err *err)
{
    entity->check(call, err, request, is_new);
    if (!is_new)
        check_cleared(call, entity, request, err);
    return err->kind == ERR_NONE;
}

bool entity_create(struct registry *registry, struct rpc_call *call, const struct entity *entity, const void *request,
    void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    return entity_check(call, entity, request, true, err) &&
           work_begin(&work, registry, call, entity->plural, "write", err) &&
           (entity->place || work_needs_whole_tenant(&work, err)) &&
           entity_store_create(&work, entity, request, reply, err) && entity_created(&work, entity, reply, err);
}

bool entity_begin_change(struct work *work, struct registry *registry, struct rpc_call *call,
    const struct entity *entity, const char *verb, const char *id_or_code, struct err *err)
{
    return work_begin(work, registry, call, entity->plural, verb, err) &&
           (entity->place || work_needs_whole_tenant(work, err)) && entity_store_lock(work, entity, id_or_code, err) &&
           precondition_check(call->caller, work->key.version, err);
}

bool entity_update(struct registry *registry, struct rpc_call *call, const struct entity *entity, const void *request,
    void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    return entity_check(call, entity, request, false, err) &&
           entity_begin_change(&work, registry, call, entity, "write", text_of(request, "id"), err) &&
           entity_store_update(&work, entity, request, reply, err) && entity_updated(&work, entity, reply, err);
}

bool entity_delete(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    return entity_begin_change(&work, registry, call, entity, "delete", request->id, err) &&
           entity_store_delete(&work, entity, err) && entity_deleted(&work, entity, err);
}
