/* One call's transaction: permission, tenant, scope, session; what changed goes to the outbox with it. */
#pragma once
#include "base/uuid.h"
#include "entity.h"
#include "registry.h"
#include "scope.h"
#include "store/store.h"

struct work_key {
    char id[UUID_TEXT_SIZE];
    char code[CODE_SIZE];
    int64_t version;
};
struct work {
    struct registry *registry;
    struct rpc_call *call;
    struct store_session *session;
    int32_t tenant_id;
    struct scope scope;  /* what the caller's permission is for */
    const char **places; /* unless it is for all: the municipalities that lie in the scope ... */
    size_t place_count;
    const char **regions; /* ... and the regions that these and the scope name */
    size_t region_count;
    struct work_key key; /* of the entity at work, as it was */
    bool has_secret;     /* the answer holds one: it is not kept for a repeat of the call */
};

/* plural, verb: the permission "<plural>:<verb>". ERR_DENIED without it or without a tenant. Of a write (any verb but
 * read) that was done before with the caller's idempotency key the answer is given again: then this is false without an
 * error, and the call is over. */
MUST_CHECK bool work_begin(struct work *work, struct registry *registry, struct rpc_call *call, const char *plural,
    const char *verb, struct err *err);
/* For what is above all municipalities: ERR_DENIED unless the caller's permission is for the whole tenant. */
MUST_CHECK bool work_needs_whole_tenant(const struct work *work, struct err *err);
struct change {
    const char *noun;
    const char *change; /* created, updated, deleted */
    const char *id;
    const char *code;              /* NULL: it has none */
    const unsigned char *verifier; /* SHA256_SIZE bytes; NULL: it has none */
    const char *detail;            /* for the audit, a JSON object; NULL: the names of the request's fields */
    bool is_told;                  /* the same change by another code: an event, but no second audit record */
    bool has_moved;                /* what belongs to it may count to another municipality or region now */
};
/* An event for whoever remembers the thing, and a record for the auditor. */
MUST_CHECK bool work_announce(struct work *work, const struct change *change, struct err *err);
/* Events of many changes of things of one noun, in one statement; records for the auditor are the caller's. */
MUST_CHECK bool work_tell_all(struct work *work, const struct change *changes, size_t count, struct err *err);
/* Before many rows are written in this transaction: what the connection planned when tables were small, of foreign keys
 * and triggers too, is planned anew, by indexes. A scan that suits ten rows is quadratic while thousands are added. */
MUST_CHECK bool work_expect_many(struct work *work, struct err *err);
/* Keeps the answer under the caller's idempotency key, commits, and has the events sent. */
MUST_CHECK bool work_commit(struct work *work, struct err *err);
/* Rolls back what was not committed. */
void work_done(struct work *work);
