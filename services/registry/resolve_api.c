/* Inside only: who may call these is the bus's business, for an ingest asks before it knows of any permission. */
#include "auth/auth.h"
#include "base/uuid.h"
#include "ingest/credential.h"
#include "registry.h"
#include "resolve_store.h"
#include <string.h>

enum { MOST_PLACES = 100, MOST_NAMES = 10000, MOST_POLLED = 200 };

bool sensors_resolve(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct registry *registry = context;
    const Nwims__V1__ResolveSensorsRequest *request = input;
    int32_t tenant_id = call->caller->tenant_id;
    AUTO(store_session) session = NULL;
    if (request->n_names > MOST_NAMES)
        return rpc_violation(call, err, "names", "must be at most %d", (int)MOST_NAMES);
    if (tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    return store_session_open(&session, registry->store, err) && store_begin(session, tenant_id, err) &&
           resolve_store_sensors(session, tenant_id, request, call->arena, reply, err);
}

static bool check_places(struct rpc_call *call, const char *field, char *const *ids, size_t count, struct err *err)
{
    struct uuid uuid;
    if (count > MOST_PLACES)
        return rpc_violation(call, err, field, "must be at most %d", (int)MOST_PLACES);
    for (size_t i = 0; i < count; i++)
        if (!uuid_parse(ids[i], strlen(ids[i]), &uuid))
            return rpc_violation(call, err, field, "must be UUIDs");
    return true;
}

bool places_find_unknown(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    struct registry *registry = context;
    const Nwims__V1__FindUnknownPlacesRequest *request = input;
    Nwims__V1__FindUnknownPlacesReply *reply = output;
    int32_t tenant_id = call->caller->tenant_id;
    AUTO(store_session) session = NULL;
    if (tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    return check_places(call, "region_ids", request->region_ids, request->n_region_ids, err) &&
           check_places(call, "municipality_ids", request->municipality_ids, request->n_municipality_ids, err) &&
           store_session_open(&session, registry->store, err) && store_begin(session, tenant_id, err) &&
           resolve_store_unknown(session, tenant_id, "region", request->region_ids, request->n_region_ids, call->arena,
               &reply->region_ids, &reply->n_region_ids, err) &&
           resolve_store_unknown(session, tenant_id, "municipality", request->municipality_ids,
               request->n_municipality_ids, call->arena, &reply->municipality_ids, &reply->n_municipality_ids, err);
}

/* What it is found by: told by the caller, or made from the name that a device said. */
static bool read_verifier(struct rpc_call *call, const Nwims__V1__ResolveCredentialRequest *request,
    unsigned char verifier[SHA256_SIZE], struct err *err)
{
    char lookup[CREDENTIAL_LOOKUP_SIZE];
    if (request->lookup && request->kind && credential_lookup(lookup, request->kind, request->lookup)) {
        credential_verifier(verifier, request->kind, lookup);
        return true;
    }
    if (!request->has_verifier || request->verifier.len != SHA256_SIZE)
        return rpc_violation(call, err, "verifier", "must be a SHA-256, or say kind and lookup");
    memcpy(verifier, request->verifier.data, SHA256_SIZE);
    return true;
}

bool credential_resolve(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct registry *registry = context;
    const Nwims__V1__ResolveCredentialRequest *request = input;
    unsigned char verifier[SHA256_SIZE];
    AUTO(store_session) session = NULL;
    return read_verifier(call, request, verifier, err) && store_session_open(&session, registry->store, err) &&
           store_begin(session, 0, err) &&
           resolve_store_credential(session, registry, request->kind, verifier, call->arena, reply, err);
}

bool payload_profile_resolve(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct registry *registry = context;
    const Nwims__V1__ResolvePayloadProfileRequest *request = input;
    int32_t tenant_id = call->caller->tenant_id;
    struct uuid uuid;
    AUTO(store_session) session = NULL;
    if (!request->device_id || !uuid_parse(request->device_id, strlen(request->device_id), &uuid))
        return rpc_violation(call, err, "device_id", "must be a UUID");
    if (tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    return store_session_open(&session, registry->store, err) && store_begin(session, tenant_id, err) &&
           resolve_store_profile(session, tenant_id, request->device_id, call->arena, reply, err);
}

bool devices_polled(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct registry *registry = context;
    const Nwims__V1__ListPolledDevicesRequest *request = input;
    struct uuid after;
    AUTO(store_session) session = NULL;
    if (request->after && !uuid_parse(request->after, strlen(request->after), &after))
        return rpc_violation(call, err, "after", "must be a device's id");
    int32_t limit = request->has_limit && request->limit > 0 && request->limit < MOST_POLLED ? request->limit
                                                                                             : (int32_t)MOST_POLLED;
    return store_session_open(&session, registry->store, err) && store_begin(session, 0, err) &&
           resolve_store_polled(session, request->after, limit, call->arena, reply, err);
}
