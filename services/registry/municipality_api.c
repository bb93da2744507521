#include "entity_api.h"
#include "field.h"

static const struct column columns[] = {
    { "id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "code", "text", COLUMN_REQUIRED, NULL, NULL },
    { "name", "text", COLUMN_REQUIRED, NULL, NULL },
    { "population", "bigint", 0, NULL, NULL },
    { "latitude", "double precision", 0, NULL, NULL },
    { "longitude", "double precision", 0, NULL, NULL },
    { "region_id", "uuid", COLUMN_PLACE, NULL, &region_entity },
    { "geometry", "jsonb", COLUMN_LARGE, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = { { "region_id", "region_id = %s::uuid" }, { 0 } };

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__Municipality *municipality = message;
    field_code(call, err, municipality->code, is_new);
    field_name(call, err, municipality->name, is_new);
    field_number(call, err, "population", municipality->has_population, (double)municipality->population, 0, 100000000);
    field_position(call, err, message);
    field_reference(call, err, "region_id", municipality->region_id, false);
    field_geometry(call, err, municipality->geometry, "Point|Polygon|MultiPolygon");
}

const struct entity municipality_entity = { .noun = "municipality",
    .plural = "municipalities",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__municipality__descriptor,
    .place = "id",
    .check = check };

bool municipality_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &municipality_entity, request, reply, err);
}

bool municipality_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &municipality_entity, request, reply, err);
}

bool municipality_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_create(context, call, &municipality_entity, request, reply, err);
}

bool municipality_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_update(context, call, &municipality_entity, request, reply, err);
}

bool municipality_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &municipality_entity, request, err);
}
