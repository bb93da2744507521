#include "entity_api.h"
#include "field.h"
#include "municipality_store.h"

bool municipality_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    Nwims__V1__ListMunicipalitiesReply *list = reply;
    struct entity_items items;
    if (!entity_list(context, call, &municipality_entity, request, &items, err))
        return false;
    list->n_items = items.count;
    list->items = items.messages;
    list->next_cursor = items.next_cursor;
    return true;
}

bool municipality_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &municipality_entity, request, reply, err);
}

bool municipality_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &municipality_entity, request, err);
}

static bool check(struct rpc_call *call, const Nwims__V1__Municipality *municipality, bool is_new, struct err *err)
{
    field_code(call, err, municipality->code, is_new);
    if (municipality->name || is_new)
        field_name(call, err, municipality->name, true);
    field_number(call, err, "population", municipality->has_population, (double)municipality->population, 0, 100000000);
    field_number(call, err, "latitude", municipality->has_latitude, municipality->latitude, -90, 90);
    field_number(call, err, "longitude", municipality->has_longitude, municipality->longitude, -180, 180);
    return err->kind == ERR_NONE;
}

bool municipality_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    Nwims__V1__Municipality *made = reply;
    return check(call, request, true, err) && work_begin(&work, context, call, "municipalities", "write", err) &&
           municipality_store_create(&work, request, made, err) &&
           entity_created(&work, &municipality_entity, made->id, made->code, err);
}

bool municipality_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    const Nwims__V1__Municipality *wanted = request;
    Nwims__V1__Municipality *changed = reply;
    return check(call, wanted, false, err) &&
           entity_begin_update(&work, context, call, &municipality_entity, wanted->id, err) &&
           municipality_store_update(&work, wanted, changed, err) &&
           entity_updated(&work, &municipality_entity, changed->code, err);
}
