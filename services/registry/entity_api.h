/* The handlers that are the same for every entity with a code. */
#pragma once
#include "work.h"

MUST_CHECK bool entity_list(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ListRequest *request, struct entity_items *out_items, struct err *err);
MUST_CHECK bool entity_get(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, void *reply, struct err *err);
MUST_CHECK bool entity_delete(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, struct err *err);
/* Begins, and locks what the request names into work->key. */
MUST_CHECK bool entity_begin_update(struct work *work, struct registry *registry, struct rpc_call *call,
    const struct entity *entity, const char *id_or_code, struct err *err);
/* Announce and commit. */
MUST_CHECK bool entity_created(
    struct work *work, const struct entity *entity, const char *id, const char *code, struct err *err);
/* code: as it is now. */
MUST_CHECK bool entity_updated(struct work *work, const struct entity *entity, const char *code, struct err *err);
