#include "auth/auth.h"
#include "base/uuid.h"
#include "resolve_store.h"
#include <string.h>

enum { MOST_NAMES = 10000 };

bool resolve_sensors(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ResolveSensorsRequest *request = input;
    const char **ids = arena_alloc_array(call->arena, request->n_names, sizeof *ids);
    AUTO(store_session) session = NULL;
    if (!ids)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    if (call->caller->tenant_id <= 0)
        return err_set(err, ERR_DENIED, "the caller has no tenant");
    if (request->n_names > MOST_NAMES)
        return rpc_violation(call, err, "names", "has more than %d", MOST_NAMES);
    for (size_t i = 0; i < request->n_names; i++) {
        struct uuid id;
        ids[i] = uuid_parse(request->names[i], strlen(request->names[i]), &id) ? request->names[i] : NULL;
    }
    return registry_begin(context, call, &session, err) &&
           resolve_store_sensors(session, call, (const char *const *)request->names, ids, request->n_names, reply, err) &&
           store_commit(session, err);
}

bool resolve_credential(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ResolveCredentialRequest *request = input;
    struct registry *registry = context;
    AUTO(store_session) session = NULL;
    if (!request->has_verifier || request->verifier.len != SHA256_SIZE)
        return rpc_violation(call, err, "verifier", "is no SHA-256");
    return store_session_open(&session, registry->store, err) && store_begin(session, 0, err) &&
           resolve_store_credential(session, call, request->kind ? request->kind : "token", request->verifier.data, request->verifier.len, reply, err) &&
           store_commit(session, err);
}
