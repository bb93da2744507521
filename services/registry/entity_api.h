/* The handlers of everything with a code: five lines for each in its own file, and what is special to it. */
#pragma once
#include "entity_list.h"

MUST_CHECK bool entity_list(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const void *request, void *reply, struct err *err);
MUST_CHECK bool entity_get(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, void *reply, struct err *err);
MUST_CHECK bool entity_create(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const void *request, void *reply, struct err *err);
MUST_CHECK bool entity_update(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const void *request, void *reply, struct err *err);
MUST_CHECK bool entity_delete(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    const Nwims__V1__ById *request, struct err *err);

/* ---- steps of these, for what has more to do in between ---- */
/* Reads limit, cursor and sort from any List...Request and checks them and its references. */
MUST_CHECK bool entity_read_page(
    struct rpc_call *call, const ProtobufCMessage *request, struct page *out_page, struct err *err);
/* The entity's own rules, and that nothing is cleared that cannot be. */
MUST_CHECK bool entity_check(
    struct rpc_call *call, const struct entity *entity, const void *request, bool is_new, struct err *err);
/* Begins, locks what the request names into work->key, and compares If-Match. verb: write or delete. */
MUST_CHECK bool entity_begin_change(struct work *work, struct registry *registry, struct rpc_call *call,
    const struct entity *entity, const char *verb, const char *id_or_code, struct err *err);
/* Announce and commit. message: what is there now. */
MUST_CHECK bool entity_created(
    struct work *work, const struct entity *entity, const ProtobufCMessage *message, struct err *err);
MUST_CHECK bool entity_deleted(struct work *work, const struct entity *entity, struct err *err);
MUST_CHECK bool entity_updated(
    struct work *work, const struct entity *entity, const ProtobufCMessage *message, struct err *err);
