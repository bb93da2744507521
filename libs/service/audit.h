/* Records of who did what, for the service auditor. An owner writes them in the transaction that changes the rows, so
 * that neither is without the other; who has no rows (the gateway) publishes them itself. Any thread. */
#pragma once
#include "base/buffer.h"
#include "rpc/rpc.h"
#include "store/store.h"

struct audit_event {
    const char *action;    /* "sensor.updated": noun.verb, the noun in [a-z0-9-] */
    const char *entity;    /* "sensor"; NULL if of nothing */
    const char *entity_id; /* NULL if of nothing */
    const char *outcome;   /* NULL: "ok"; else "refused" or "failed" */
    const char *detail;    /* a JSON object, or NULL; no secrets */
    const char *actor;     /* NULL: the caller's */
    int32_t tenant_id;     /* 0: the caller's */
};

/* Within the session's transaction, through the schema's outbox. */
MUST_CHECK bool audit_put(
    struct store_session *session, const struct rpc_caller *caller, const struct audit_event *event, struct err *err);
/* Appends {"fields": [...]}: the names of what is set in a request, and of what its list "clear" empties; for the
 * detail of a change. The id, which says of what, is not one of them. */
void audit_put_fields(struct buffer *out, const ProtobufCMessage *request);
/* Returns when JetStream has stored it; ERR_LIMIT, ERR_TRANSIENT, ERR_DEADLINE as bus_publish. */
MUST_CHECK bool audit_publish(struct bus *bus, const struct rpc_caller *caller, const struct audit_event *event,
    int64_t timeout_ms, struct err *err);
