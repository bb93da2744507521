/* The keys that sign access tokens, as others see them. */
#include "identity.h"
#include "keeper.h"

bool key_get_jwks(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    (void)input;
    return key_store_list(identity->keys, call->arena, reply, err);
}

bool key_rotate(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__RotateKeysRequest *request = input;
    AUTO(store_session) session = NULL;
    bool is_emergency = request->has_emergency && request->emergency;
    const struct identity_change change = { .tenant_id = 1,
        .entity = "signing-key",
        .change = "rotated",
        .detail = is_emergency ? "{\"emergency\":true}" : NULL };
    if (!identity_allows(call, "system:write", err) || !identity_begin(identity, 0, &session, err) ||
        !key_store_rotate_now(identity->keys, session, is_emergency, err) ||
        !identity_announce(session, call, &change, err) ||
        !identity_record(identity, session, call, &change, NULL, err))
        return false;
    keeper_wake(identity->keeper); /* this replica signs with it from now on; others hear the event */
    return key_store_list(identity->keys, call->arena, reply, err);
}
