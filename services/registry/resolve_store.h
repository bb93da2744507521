/* What the edges ask: many sensors by name in one statement, and whose token a verifier belongs to. */
#pragma once
#include "registry.h"
#include "store/store.h"

/* names[i] is a code, or an id where is_id[i]; two arrays of the same length, since a statement takes one type each. */
MUST_CHECK bool resolve_store_sensors(struct store_session *session, struct rpc_call *call, const char *const *codes, const char *const *ids,
    size_t count, Nwims__V1__ResolveSensorsReply *reply, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK bool resolve_store_credential(struct store_session *session, struct rpc_call *call, const char *kind, const void *verifier,
    size_t size, Nwims__V1__ResolveCredentialReply *reply, struct err *err);
