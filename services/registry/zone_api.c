#include "entity_api.h"
#include "field.h"

static const struct column columns[] = {
    { "id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "code", "text", COLUMN_REQUIRED, NULL, NULL },
    { "name", "text", COLUMN_REQUIRED, NULL, NULL },
    { "municipality_id", "uuid", COLUMN_REQUIRED | COLUMN_PLACE, NULL, &municipality_entity },
    { "geometry", "jsonb", COLUMN_LARGE, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = { { "municipality_id", "municipality_id = %s::uuid" }, { 0 } };

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__Zone *zone = message;
    field_code(call, err, zone->code, is_new);
    field_name(call, err, zone->name, is_new);
    field_reference(call, err, "municipality_id", zone->municipality_id, is_new);
    field_geometry(call, err, zone->geometry, "Polygon|MultiPolygon");
}

const struct entity zone_entity = { .noun = "zone",
    .plural = "zones",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__zone__descriptor,
    .place = "municipality_id",
    .check = check };

bool zone_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &zone_entity, request, reply, err);
}

bool zone_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &zone_entity, request, reply, err);
}

bool zone_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_create(context, call, &zone_entity, request, reply, err);
}

bool zone_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_update(context, call, &zone_entity, request, reply, err);
}

bool zone_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &zone_entity, request, err);
}
