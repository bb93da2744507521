#include "auth/auth.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "credential_store.h"
#include "entity_store.h"
#include <string.h>

enum { MOST_LIVE = 2 }; /* so that one can replace the other while both work */
static const char token_prefix[] = "nwd_";

/* The device's real id, whatever the caller called it. */
static bool find_device(struct store_session *session, struct rpc_call *call, const char *name, const char **out_id, struct err *err)
{
    ProtobufCMessage *device = wire_new(call->arena, device_entity.message);
    if (!device)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    if (!entity_store_find(session, &device_entity, call, name ? name : "", device, err))
        return false;
    *out_id = entity_text(&device_entity, device, "id");
    return true;
}

bool credential_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    const char *device_id = NULL;
    AUTO(store_session) session = NULL;
    return registry_allows(call, "devices:read", err) && registry_begin(context, call, &session, err) &&
           find_device(session, call, request->id, &device_id, err) && credential_store_list(session, call, device_id, reply, err) &&
           store_commit(session, err);
}

static bool make_token(struct rpc_call *call, Nwims__V1__Credential *credential, const Nwims__V1__CreateCredentialRequest *request,
    const char *device_id, unsigned char verifier[SHA256_SIZE], struct err *err)
{
    char secret[AUTH_SECRET_TEXT_SIZE], id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    auth_secret_new(secret, token_prefix);
    auth_sha256(verifier, secret, strlen(secret));
    credential->id = arena_text(call->arena, id);
    credential->device_id = arena_text(call->arena, device_id);
    credential->kind = arena_text(call->arena, "token");
    credential->secret = arena_text(call->arena, secret);
    credential->has_created_at = true;
    credential->created_at = clock_now_us();
    credential->has_expires_at = request->has_expires_at;
    credential->expires_at = request->expires_at;
    return (credential->id && credential->device_id && credential->kind && credential->secret) ||
           err_set(err, ERR_LIMIT, "no memory left for this call");
}

static bool announce(struct store_session *session, struct rpc_call *call, const char *device_id, const unsigned char *verifier,
    const char *what, struct err *err)
{
    /* The id is the device's: that is what caches of credentials are asked about. */
    const struct registry_change change = { .entity = "credential", .id = device_id, .change = what, .verifier = verifier };
    return registry_announce(session, call, &change, err);
}

bool credential_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__CreateCredentialRequest *request = input;
    const char *device_id = NULL;
    unsigned char verifier[SHA256_SIZE];
    int64_t live = 0;
    AUTO(store_session) session = NULL;
    if (!registry_allows(call, "devices:write", err))
        return false;
    if (request->kind && strcmp(request->kind, "token") != 0)
        return rpc_violation(call, err, "kind", "must be token");
    if (request->has_expires_at && request->expires_at <= clock_now_us())
        return rpc_violation(call, err, "expires_at", "is over already");
    if (!registry_begin(context, call, &session, err) || !find_device(session, call, request->id, &device_id, err) ||
        !credential_store_count_live(session, call, device_id, &live, err))
        return false;
    if (live >= MOST_LIVE)
        return err_set(err, ERR_CONFLICT, "the device has %d live credentials already: remove one first", MOST_LIVE);
    return make_token(call, reply, request, device_id, verifier, err) && credential_store_insert(session, call, reply, verifier, err) &&
           announce(session, call, device_id, verifier, "created", err) && registry_commit(context, session, err);
}

bool credential_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__CredentialRef *request = input;
    const char *device_id = NULL;
    unsigned char *verifier = NULL;
    struct uuid id;
    AUTO(store_session) session = NULL;
    (void)reply;
    if (!registry_allows(call, "devices:write", err))
        return false;
    if (!request->credential_id || !uuid_parse(request->credential_id, strlen(request->credential_id), &id))
        return rpc_violation(call, err, "credential_id", "is no UUID");
    return registry_begin(context, call, &session, err) && find_device(session, call, request->id, &device_id, err) &&
           credential_store_delete(session, call, device_id, request->credential_id, &verifier, err) &&
           announce(session, call, device_id, verifier, "deleted", err) && registry_commit(context, session, err);
}
