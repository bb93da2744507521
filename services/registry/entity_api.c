#include "entity_api.h"
#include "field.h"
#include <string.h>

bool entity_list(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ListRequest *request, struct entity_items *out_items, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    struct page page;
    struct err why = { 0 };
    if (!page_begin(&page, request->cursor, request->has_limit, request->limit, &why))
        rpc_violation(call, err, "cursor", "%s", why.text);
    if (request->municipality_id)
        field_reference(call, err, "municipality_id", request->municipality_id, true);
    if (request->zone_id)
        field_reference(call, err, "zone_id", request->zone_id, true);
    if (request->device_id)
        field_reference(call, err, "device_id", request->device_id, true);
    if (err->kind != ERR_NONE)
        return false;
    return work_begin(&work, registry, call, entity->plural, "read", err) &&
           entity_store_list(work.session, entity, work.tenant_id, request, &page, call->arena, out_items, err);
}

bool entity_get(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    return work_begin(&work, registry, call, entity->plural, "read", err) &&
           entity_store_get(work.session, entity, work.tenant_id, request->id, call->arena, reply, err);
}

static bool announce(
    struct work *work, const struct entity *entity, const char *what, const char *id, const char *code, struct err *err)
{
    const struct change change = { .noun = entity->noun, .change = what, .id = id, .code = code };
    return work_announce(work, &change, err);
}

static bool announce_new_code(struct work *work, const struct entity *entity, const char *code, struct err *err)
{
    const struct change change = {
        .noun = entity->noun, .change = "updated", .id = work->key.id, .code = code, .is_told = true
    };
    return work_announce(work, &change, err);
}

bool entity_delete(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    return work_begin(&work, registry, call, entity->plural, "delete", err) &&
           entity_store_lock(work.session, entity, work.tenant_id, request->id, &work.key, err) &&
           entity_store_delete(work.session, entity, work.tenant_id, &work.key, err) &&
           announce(&work, entity, "deleted", work.key.id, work.key.code, err) && work_commit(&work, err);
}

bool entity_begin_update(struct work *work, struct registry *registry, struct rpc_call *call,
    const struct entity *entity, const char *id_or_code, struct err *err)
{
    return work_begin(work, registry, call, entity->plural, "write", err) &&
           entity_store_lock(work->session, entity, work->tenant_id, id_or_code, &work->key, err);
}

bool entity_created(struct work *work, const struct entity *entity, const char *id, const char *code, struct err *err)
{
    return announce(work, entity, "created", id, code, err) && work_commit(work, err);
}

/* Whoever keeps things by code must hear of both: what it knows by the old one, and that the new one exists. */
bool entity_updated(struct work *work, const struct entity *entity, const char *code, struct err *err)
{
    bool is_renamed = strcmp(code, work->key.code) != 0;
    return announce(work, entity, "updated", work->key.id, work->key.code, err) &&
           (!is_renamed || announce_new_code(work, entity, code, err)) && work_commit(work, err);
}
