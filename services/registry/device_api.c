#include "credential_store.h"
#include "entity_api.h"
#include "field.h"
#include "ingest/payload_profile.h"
#include "transcode/json_object.h"
#include <string.h>

#define PROTOCOLS "http|mqtt|tcp|lorawan|nbiot|gsm"

static const struct column columns[] = {
    { "id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "code", "text", COLUMN_REQUIRED, NULL, NULL },
    { "name", "text", 0, NULL, NULL },
    { "protocol", "text", COLUMN_REQUIRED, NULL, NULL },
    { "municipality_id", "uuid", COLUMN_PLACE, NULL, &municipality_entity },
    { "zone_id", "uuid", COLUMN_PLACE, NULL, &zone_entity },
    { "site_id", "uuid", COLUMN_PLACE, NULL, &site_entity },
    { "payload_profile", "text", 0, NULL, NULL },
    { "state", "text", COLUMN_KEPT, "'active'", NULL },
    { "configuration", "text", COLUMN_LARGE, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = {
    { "municipality_id", "located_in = %s::uuid" },
    { "zone_id", "zone_id = %s::uuid" },
    { "site_id", "site_id = %s::uuid" },
    { "region_id", IN_REGION("located_in") },
    { "protocol", "protocol = %s::text" },
    { "state", "state = %s::text" },
    { 0 },
};

static void check_profile(struct rpc_call *call, struct err *err, const char *profile)
{
    struct payload_profile parsed;
    struct err wrong = { 0 };
    if (profile && !payload_profile_parse(&parsed, call->arena, profile, strlen(profile), &wrong))
        rpc_violation(call, err, "payload_profile", "%s", wrong.text);
}

static void check_configuration(struct rpc_call *call, struct err *err, const char *configuration)
{
    struct err why = { 0 };
    if (configuration && !json_object_check(configuration, JSON_OBJECT_LARGEST_BYTES, &why))
        rpc_violation(call, err, "configuration", "%s", why.text);
}

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__Device *device = message;
    field_code(call, err, device->code, is_new);
    field_name(call, err, device->name, false);
    field_choice(call, err, "protocol", device->protocol, PROTOCOLS, is_new);
    field_reference(call, err, "municipality_id", device->municipality_id, false);
    field_reference(call, err, "zone_id", device->zone_id, false);
    field_reference(call, err, "site_id", device->site_id, false);
    field_choice(call, err, "state", device->state, "active|disabled", false);
    check_profile(call, err, device->payload_profile);
    check_configuration(call, err, device->configuration);
}

const struct entity device_entity = { .noun = "device",
    .plural = "devices",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__device__descriptor,
    .place = "located_in",
    .check = check };

bool device_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &device_entity, request, reply, err);
}

bool device_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &device_entity, request, reply, err);
}

bool device_create(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_create(context, call, &device_entity, request, reply, err);
}

bool device_update(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_update(context, call, &device_entity, request, reply, err);
}

/* With its credentials, each told of by its verifier, so that whoever remembers one drops it at once. */
bool device_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO_INPLACE(work) work = { 0 };
    size_t credentials = 0;
    (void)reply;
    return entity_begin_change(&work, context, call, &device_entity, "delete", request->id, err) &&
           credential_store_delete(&work, work.key.id, NULL, &credentials, err) &&
           entity_store_delete(&work, &device_entity, err) && entity_deleted(&work, &device_entity, err);
}
