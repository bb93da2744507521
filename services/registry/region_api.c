#include "entity_api.h"
#include "field.h"

static const struct column columns[] = {
    { "id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "code", "text", COLUMN_REQUIRED, NULL, NULL },
    { "name", "text", COLUMN_REQUIRED, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = { { 0 } };

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__Region *region = message;
    field_code(call, err, region->code, is_new);
    field_name(call, err, region->name, is_new);
}

const struct entity region_entity = { .noun = "region",
    .plural = "municipalities", /* who may write these may write what they belong to */
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__region__descriptor,
    .place = NULL,
    .check = check };

bool region_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &region_entity, request, reply, err);
}

bool region_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &region_entity, request, reply, err);
}

bool region_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_create(context, call, &region_entity, request, reply, err);
}

bool region_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_update(context, call, &region_entity, request, reply, err);
}

bool region_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &region_entity, request, err);
}
