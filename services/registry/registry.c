#include "registry.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "entity.h"
#include "nwims/v1/readings.pb-c.h"
#include "store/outbox.h"
#include <inttypes.h>
#include <stdio.h>

const struct rpc_method registry_methods[] = {
    { "ListMunicipalities", municipality_list },
    { "CreateMunicipality", municipality_create },
    { "GetMunicipality", municipality_get },
    { "UpdateMunicipality", municipality_update },
    { "DeleteMunicipality", municipality_delete },
    { "ListZones", zone_list },
    { "CreateZone", zone_create },
    { "GetZone", zone_get },
    { "UpdateZone", zone_update },
    { "DeleteZone", zone_delete },
    { "ListDevices", device_list },
    { "CreateDevice", device_create },
    { "GetDevice", device_get },
    { "UpdateDevice", device_update },
    { "DeleteDevice", device_delete },
    { "ListSensors", sensor_list },
    { "CreateSensor", sensor_create },
    { "GetSensor", sensor_get },
    { "UpdateSensor", sensor_update },
    { "DeleteSensor", sensor_delete },
    { "ListCredentials", credential_list },
    { "CreateCredential", credential_create },
    { "DeleteCredential", credential_delete },
    { "ResolveSensors", resolve_sensors },
    { "ResolveCredential", resolve_credential },
    { 0 },
};

bool registry_allows(const struct rpc_call *call, const char *permission, struct err *err)
{
    if (call->caller->tenant_id <= 0)
        return err_set(err, ERR_DENIED, "the caller has no tenant");
    return permission_granted(call->caller->permissions, permission) || err_set(err, ERR_DENIED, "this needs the permission %s", permission);
}

bool registry_begin(struct registry *registry, const struct rpc_call *call, struct store_session **out_session, struct err *err)
{
    return store_session_open(out_session, registry->store, err) && store_begin(*out_session, call->caller->tenant_id, err);
}

bool registry_announce(struct store_session *session, struct rpc_call *call, const struct registry_change *change, struct err *err)
{
    AUTO_INPLACE(buffer) payload = { 0 };
    Nwims__V1__EntityChanged message = NWIMS__V1__ENTITY_CHANGED__INIT;
    char subject[64], traceparent[TRACEPARENT_SIZE];
    char *entity = arena_text(call->arena, change->entity), *id = arena_text(call->arena, change->id);
    char *what = arena_text(call->arena, change->change), *code = change->code ? arena_text(call->arena, change->code) : NULL;
    char *verifier = change->verifier ? arena_text_n(call->arena, (const char *)change->verifier, SHA256_SIZE) : NULL;
    if (!entity || !id || !what)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    message.has_tenant_id = true;
    message.tenant_id = call->caller->tenant_id;
    message.entity = entity;
    message.id = id;
    message.change = what;
    message.code = code;
    message.has_changed_at = true;
    message.changed_at = clock_now_us();
    if (verifier) {
        message.has_verifier = true;
        message.verifier = (ProtobufCBinaryData){ .data = (uint8_t *)verifier, .len = SHA256_SIZE };
    }
    snprintf(subject, sizeof subject, "events.%" PRId32 ".%s", call->caller->tenant_id, change->entity);
    trace_format(traceparent, &call->caller->trace);
    return wire_encode(&payload, &message.base, err) && outbox_put(session, subject, payload.data, payload.size, traceparent, err);
}

bool registry_commit(struct registry *registry, struct store_session *session, struct err *err)
{
    if (!store_commit(session, err))
        return false;
    service_outbox_wake(registry->service);
    return true;
}
