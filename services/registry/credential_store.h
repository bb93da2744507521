/* Devices' credentials: only what verifies them is kept. Within the session's transaction, of one tenant. */
#pragma once
#include "registry.h"
#include "store/store.h"

MUST_CHECK bool credential_store_list(struct store_session *session, struct rpc_call *call, const char *device_id,
    Nwims__V1__ListCredentialsReply *reply, struct err *err);
/* Locks the device, so that two calls cannot both find room; how many of its credentials live now. */
MUST_CHECK bool credential_store_count_live(struct store_session *session, struct rpc_call *call, const char *device_id, int64_t *out_count,
    struct err *err);
MUST_CHECK bool credential_store_insert(struct store_session *session, struct rpc_call *call, const Nwims__V1__Credential *credential,
    const unsigned char *verifier, struct err *err);
/* Gives the verifier of what was removed (in the arena); ERR_NOT_FOUND. */
MUST_CHECK bool credential_store_delete(struct store_session *session, struct rpc_call *call, const char *device_id, const char *id,
    unsigned char **out_verifier, struct err *err);
