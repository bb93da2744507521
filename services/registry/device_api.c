#include "credential_store.h"
#include "device_store.h"
#include "entity_api.h"
#include "field.h"

bool device_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    Nwims__V1__ListDevicesReply *list = reply;
    struct entity_items items;
    if (!entity_list(context, call, &device_entity, request, &items, err))
        return false;
    list->n_items = items.count;
    list->items = items.messages;
    list->next_cursor = items.next_cursor;
    return true;
}

bool device_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &device_entity, request, reply, err);
}

/* With its credentials, each told of by its verifier, so that whoever remembers one drops it at once. */
bool device_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO_INPLACE(work) work = { 0 };
    size_t credentials = 0;
    (void)reply;
    if (!work_begin(&work, context, call, "devices", "delete", err) ||
        !entity_store_lock(work.session, &device_entity, work.tenant_id, request->id, &work.key, err) ||
        !credential_store_delete(&work, work.key.id, NULL, &credentials, err) ||
        !entity_store_delete(work.session, &device_entity, work.tenant_id, &work.key, err))
        return false;
    const struct change change = { .noun = "device", .change = "deleted", .id = work.key.id, .code = work.key.code };
    return work_announce(&work, &change, err) && work_commit(&work, err);
}

static bool check(struct rpc_call *call, const Nwims__V1__Device *device, bool is_new, struct err *err)
{
    field_code(call, err, device->code, is_new);
    field_name(call, err, device->name, false);
    field_choice(call, err, "protocol", device->protocol, "http|mqtt|tcp|lorawan|nbiot|gsm", is_new);
    field_reference(call, err, "municipality_id", device->municipality_id, false);
    field_reference(call, err, "zone_id", device->zone_id, false);
    field_choice(call, err, "state", device->state, "active|disabled", false);
    return err->kind == ERR_NONE;
}

bool device_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    Nwims__V1__Device *made = reply;
    return check(call, request, true, err) && work_begin(&work, context, call, "devices", "write", err) &&
           device_store_create(&work, request, made, err) &&
           entity_created(&work, &device_entity, made->id, made->code, err);
}

bool device_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    const Nwims__V1__Device *wanted = request;
    Nwims__V1__Device *changed = reply;
    return check(call, wanted, false, err) &&
           entity_begin_update(&work, context, call, &device_entity, wanted->id, err) &&
           device_store_update(&work, wanted, changed, err) &&
           entity_updated(&work, &device_entity, changed->code, err);
}
