#include "asset_parents.h"
#include "entity_api.h"
#include "field.h"
#include "nwims/v1/assets.pb-c.h"

#define KINDS "pump|valve|tank|reservoir|pipe|treatment_unit|meter"

static const struct column columns[] = {
    { "id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "code", "text", COLUMN_REQUIRED, NULL, NULL },
    { "name", "text", 0, NULL, NULL },
    { "kind", "text", COLUMN_REQUIRED, NULL, NULL },
    { "state", "text", COLUMN_KEPT, "'active'", NULL },
    { "municipality_id", "uuid", COLUMN_PLACE, NULL, &municipality_entity },
    { "zone_id", "uuid", COLUMN_PLACE, NULL, &zone_entity },
    { "site_id", "uuid", COLUMN_PLACE, NULL, &site_entity },
    { "parent_id", "uuid", 0, NULL, &asset_entity },
    { "latitude", "double precision", 0, NULL, NULL },
    { "longitude", "double precision", 0, NULL, NULL },
    { "elevation_m", "double precision", 0, NULL, NULL },
    { "diameter_mm", "double precision", 0, NULL, NULL },
    { "length_m", "double precision", 0, NULL, NULL },
    { "roughness", "double precision", 0, NULL, NULL },
    { "material", "text", 0, NULL, NULL },
    { "network_id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "from_node", "text", COLUMN_READONLY, NULL, NULL },
    { "to_node", "text", COLUMN_READONLY, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = {
    { "municipality_id", "located_in = %s::uuid" },
    { "zone_id", "zone_id = %s::uuid" },
    { "region_id", IN_REGION("located_in") },
    { "site_id", "site_id = %s::uuid" },
    { "parent_id", "parent_id = %s::uuid" },
    { "network_id", "network_id = %s::uuid" },
    { "kind", "kind = %s::text" },
    { "state", "state = %s::text" },
    { 0 },
};

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__Asset *asset = message;
    field_code(call, err, asset->code, is_new);
    field_name(call, err, asset->name, false);
    field_choice(call, err, "kind", asset->kind, KINDS, is_new);
    field_choice(call, err, "state", asset->state, "active|retired", false);
    field_reference(call, err, "municipality_id", asset->municipality_id, false);
    field_reference(call, err, "zone_id", asset->zone_id, false);
    field_reference(call, err, "site_id", asset->site_id, false);
    field_reference(call, err, "parent_id", asset->parent_id, false);
    field_position(call, err, message);
    field_number(call, err, "diameter_mm", asset->has_diameter_mm, asset->diameter_mm, 0, 1000000);
    field_number(call, err, "length_m", asset->has_length_m, asset->length_m, 0, 1000000);
    field_number(call, err, "roughness", asset->has_roughness, asset->roughness, 0, 10000);
    field_text(call, err, "material", asset->material, 64);
}

const struct entity asset_entity = { .noun = "asset",
    .plural = "assets",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__asset__descriptor,
    .place = "located_in",
    .check = check };

bool asset_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &asset_entity, request, reply, err);
}

bool asset_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &asset_entity, request, reply, err);
}

bool asset_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_create(context, call, &asset_entity, request, reply, err);
}

bool asset_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    const Nwims__V1__Asset *wanted = request;
    return entity_check(call, &asset_entity, request, false, err) &&
           entity_begin_change(&work, context, call, &asset_entity, "write", wanted->id, err) &&
           asset_parents_lock(&work, wanted, err) && entity_store_update(&work, &asset_entity, request, reply, err) &&
           asset_parents_check(&work, wanted, err) && entity_updated(&work, &asset_entity, reply, err);
}

bool asset_delete(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return entity_delete(context, call, &asset_entity, request, err);
}
