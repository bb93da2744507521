#include "ingest/directory_ask.h"
#include "base/text.h"
#include "ingest/unit.h"
#include "nwims/v1/registry.pb-c.h"
#include <string.h>

enum { ASK_MS = 3000 };

static bool copy_text(char *target, size_t size, const char *text)
{
    return text_copy(target, size, text ? text : "", text ? strlen(text) : 0);
}

static bool fill_sensor(struct directory_sensor *sensor, const Nwims__V1__ResolvedSensor *resolved)
{
    *sensor = (struct directory_sensor){ .sensor_no = resolved->sensor_no,
        .is_disabled = resolved->state && strcmp(resolved->state, "disabled") == 0,
        .has_range_min = resolved->has_range_min,
        .has_range_max = resolved->has_range_max,
        .range_min = resolved->range_min,
        .range_max = resolved->range_max,
        .unit = resolved->unit ? unit_find(resolved->unit, strlen(resolved->unit)) : NULL };
    return copy_text(sensor->code, sizeof sensor->code, resolved->code) &&
           copy_text(sensor->id, sizeof sensor->id, resolved->id) &&
           copy_text(sensor->device_id, sizeof sensor->device_id, resolved->device_id) &&
           copy_text(sensor->municipality_id, sizeof sensor->municipality_id, resolved->municipality_id) &&
           copy_text(sensor->region_id, sizeof sensor->region_id, resolved->region_id);
}

bool directory_ask_sensors(struct bus *bus, const struct rpc_caller *caller, char **names, size_t count,
    struct directory_sensor *out_sensors, struct arena *arena, struct err *err)
{
    Nwims__V1__ResolveSensorsRequest request = NWIMS__V1__RESOLVE_SENSORS_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    request.names = names;
    request.n_names = count;
    if (!rpc_call(bus, &nwims__v1__registry__descriptor, "ResolveSensors", caller, &request.base, ASK_MS, arena, &reply,
            NULL, err))
        return err_wrap(err, "looking up sensors");
    const Nwims__V1__ResolveSensorsReply *resolved = (const Nwims__V1__ResolveSensorsReply *)reply;
    for (size_t i = 0; i < resolved->n_sensors; i++) {
        const Nwims__V1__ResolvedSensor *sensor = resolved->sensors[i];
        if (sensor->index >= count || sensor->sensor_no <= 0 || !fill_sensor(&out_sensors[sensor->index], sensor))
            return err_set(err, ERR_BUG, "the registry answered with sensor %d for name %u of %zu", sensor->sensor_no,
                sensor->index, count);
    }
    return true;
}

static bool fill_device(struct directory_device *device, const Nwims__V1__ResolveCredentialReply *resolved)
{
    *device = (struct directory_device){ .tenant_id = resolved->tenant_id,
        .is_disabled = resolved->device_state && strcmp(resolved->device_state, "disabled") == 0,
        .is_suspended = resolved->is_tenant_suspended,
        .expires_at = resolved->has_expires_at ? resolved->expires_at : 0 };
    return copy_text(device->device_id, sizeof device->device_id, resolved->device_id) &&
           copy_text(device->device_code, sizeof device->device_code, resolved->device_code) &&
           copy_text(device->credential_id, sizeof device->credential_id, resolved->credential_id);
}

static bool fill_key(struct directory_device *device, const Nwims__V1__ResolveCredentialReply *resolved)
{
    if (!resolved->has_secret)
        return true;
    if (resolved->secret.len > sizeof device->key)
        return false;
    memcpy(device->key, resolved->secret.data, resolved->secret.len);
    device->key_size = resolved->secret.len;
    return true;
}

bool directory_ask_device(struct bus *bus, const struct directory_question *question,
    struct directory_device *out_device, struct arena *arena, struct err *err)
{
    Nwims__V1__ResolveCredentialRequest request = NWIMS__V1__RESOLVE_CREDENTIAL_REQUEST__INIT;
    struct rpc_caller caller = { .actor = "ingest" };
    ProtobufCMessage *reply = NULL;
    trace_begin(&caller.trace, NULL);
    request.kind = (char *)(uintptr_t)question->kind;
    request.lookup = (char *)(uintptr_t)question->lookup;
    request.has_verifier = question->verifier != NULL;
    request.verifier = (ProtobufCBinaryData){ question->verifier ? (size_t)DIRECTORY_VERIFIER_SIZE : 0,
        (uint8_t *)(uintptr_t)question->verifier };
    *out_device = (struct directory_device){ 0 };
    if (!rpc_call(bus, &nwims__v1__registry__descriptor, "ResolveCredential", &caller, &request.base, ASK_MS, arena,
            &reply, NULL, err)) {
        if (err->kind == ERR_NOT_FOUND || err->kind == ERR_UNAUTHENTICATED)
            return true;
        return err_wrap(err, "looking up a credential");
    }
    const Nwims__V1__ResolveCredentialReply *resolved = (const Nwims__V1__ResolveCredentialReply *)reply;
    if (!fill_device(out_device, resolved) || !fill_key(out_device, resolved))
        return err_set(err, ERR_BUG, "the registry answered with ids or a key that are too long");
    return true;
}

bool directory_ask_profile(struct bus *bus, int32_t tenant_id, const char *device_id, const char **out_profile,
    struct arena *arena, struct err *err)
{
    Nwims__V1__ResolvePayloadProfileRequest request = NWIMS__V1__RESOLVE_PAYLOAD_PROFILE_REQUEST__INIT;
    struct rpc_caller caller = { .tenant_id = tenant_id, .actor = "ingest" };
    ProtobufCMessage *reply = NULL;
    trace_begin(&caller.trace, NULL);
    request.device_id = (char *)(uintptr_t)device_id;
    if (!rpc_call(bus, &nwims__v1__registry__descriptor, "ResolvePayloadProfile", &caller, &request.base, ASK_MS, arena,
            &reply, NULL, err))
        return err_wrap(err, "looking up a payload profile");
    *out_profile = ((const Nwims__V1__ResolvePayloadProfileReply *)reply)->payload_profile;
    return true;
}
