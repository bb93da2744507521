#include "entity_api.h"
#include "field.h"
#include "zone_store.h"

bool zone_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    Nwims__V1__ListZonesReply *list = reply;
    struct entity_items items;
    if (!entity_list(context, call, &zone_entity, request, &items, err))
        return false;
    list->n_items = items.count;
    list->items = items.messages;
    list->next_cursor = items.next_cursor;
    return true;
}

bool zone_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &zone_entity, request, reply, err);
}

bool zone_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &zone_entity, request, err);
}

static bool check(struct rpc_call *call, const Nwims__V1__Zone *zone, bool is_new, struct err *err)
{
    field_code(call, err, zone->code, is_new);
    if (zone->name || is_new)
        field_name(call, err, zone->name, true);
    if (zone->municipality_id || is_new)
        field_reference(call, err, "municipality_id", zone->municipality_id, true);
    return err->kind == ERR_NONE;
}

bool zone_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    Nwims__V1__Zone *made = reply;
    return check(call, request, true, err) && work_begin(&work, context, call, "zones", "write", err) &&
           zone_store_create(&work, request, made, err) &&
           entity_created(&work, &zone_entity, made->id, made->code, err);
}

bool zone_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    const Nwims__V1__Zone *wanted = request;
    Nwims__V1__Zone *changed = reply;
    return check(call, wanted, false, err) &&
           entity_begin_update(&work, context, call, &zone_entity, wanted->id, err) &&
           zone_store_update(&work, wanted, changed, err) && entity_updated(&work, &zone_entity, changed->code, err);
}
