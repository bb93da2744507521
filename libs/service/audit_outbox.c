/* Apart from the rest of audit.c, so that who only publishes records does not link PostgreSQL's client library. */
#include "service/audit_internal.h"
#include "store/outbox.h"

bool audit_put(
    struct store_session *session, const struct rpc_caller *caller, const struct audit_event *event, struct err *err)
{
    struct audit_encoded record = { 0 };
    bool ok = audit_encode(&record, caller, event, err) &&
              outbox_put(session, record.subject, record.payload.data, record.payload.size, record.traceparent, err);
    buffer_done(&record.payload);
    return ok;
}
