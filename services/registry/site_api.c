#include "entity_api.h"
#include "field.h"

#define KINDS "pumping_station|reservoir|treatment_plant|well|intake|chamber|office|other"

static const struct column columns[] = {
    { "id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "code", "text", COLUMN_REQUIRED, NULL, NULL },
    { "name", "text", COLUMN_REQUIRED, NULL, NULL },
    { "kind", "text", COLUMN_KEPT, "'other'", NULL },
    { "municipality_id", "uuid", COLUMN_PLACE, NULL, &municipality_entity },
    { "zone_id", "uuid", COLUMN_PLACE, NULL, &zone_entity },
    { "address", "text", 0, NULL, NULL },
    { "latitude", "double precision", 0, NULL, NULL },
    { "longitude", "double precision", 0, NULL, NULL },
    { "elevation_m", "double precision", 0, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = {
    { "municipality_id", "located_in = %s::uuid" },
    { "zone_id", "zone_id = %s::uuid" },
    { "region_id", IN_REGION("located_in") },
    { "kind", "kind = %s::text" },
    { 0 },
};

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__Site *site = message;
    field_code(call, err, site->code, is_new);
    field_name(call, err, site->name, is_new);
    field_choice(call, err, "kind", site->kind, KINDS, false);
    field_reference(call, err, "municipality_id", site->municipality_id, false);
    field_reference(call, err, "zone_id", site->zone_id, false);
    field_text(call, err, "address", site->address, 300);
    field_position(call, err, message);
}

const struct entity site_entity = { .noun = "site",
    .plural = "sites",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__site__descriptor,
    .place = "located_in",
    .check = check };

bool site_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &site_entity, request, reply, err);
}

bool site_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &site_entity, request, reply, err);
}

bool site_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_create(context, call, &site_entity, request, reply, err);
}

bool site_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_update(context, call, &site_entity, request, reply, err);
}

bool site_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &site_entity, request, err);
}
