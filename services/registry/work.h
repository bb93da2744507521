/* One call's transaction: permission, tenant, session; what changed goes to the outbox with it. */
#pragma once
#include "entity_store.h"
#include "registry.h"

struct work {
    struct registry *registry;
    struct rpc_call *call;
    struct store_session *session;
    int32_t tenant_id;
    struct entity_key key; /* of the entity at work, as it was */
};

/* plural, verb: the permission "<plural>:<verb>". ERR_DENIED without it or without a tenant. */
MUST_CHECK bool work_begin(struct work *work, struct registry *registry, struct rpc_call *call, const char *plural,
    const char *verb, struct err *err);
struct change {
    const char *noun;
    const char *change; /* created, updated, deleted */
    const char *id;
    const char *code;              /* NULL: it has none */
    const unsigned char *verifier; /* SHA256_SIZE bytes; NULL: it has none */
};
MUST_CHECK bool work_announce(struct work *work, const struct change *change, struct err *err);
/* Commits, and has the events sent. */
MUST_CHECK bool work_commit(struct work *work, struct err *err);
/* Rolls back what was not committed. */
void work_done(struct work *work);
