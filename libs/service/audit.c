#include "base/clock.h"
#include "base/uuid.h"
#include "nwims/v1/audit.pb-c.h"
#include "service/audit_internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_CEILING = 64 * 1024 };

/* The message borrows its texts and lives only until it is encoded. */
static char *borrow(const char *text)
{
    return (char *)(uintptr_t)(text && *text ? text : NULL);
}

static bool write_subject(char subject[AUDIT_SUBJECT_SIZE], int32_t tenant_id, const char *action, struct err *err)
{
    int noun = (int)strcspn(action, ".");
    int length = snprintf(subject, AUDIT_SUBJECT_SIZE, "audit.%" PRId32 ".%.*s", tenant_id, noun, action);
    if (noun == 0 || length < 0 || length >= AUDIT_SUBJECT_SIZE)
        return err_set(err, ERR_BUG, "\"%.40s\" is no action: noun.verb", action);
    return true;
}

bool audit_encode(
    struct audit_encoded *out, const struct rpc_caller *caller, const struct audit_event *event, struct err *err)
{
    Nwims__V1__AuditRecord record = NWIMS__V1__AUDIT_RECORD__INIT;
    struct uuid id = uuid_new();
    int32_t tenant_id = event->tenant_id ? event->tenant_id : caller->tenant_id;
    uuid_format(out->id, &id);
    record.id = out->id;
    record.has_tenant_id = tenant_id > 0;
    record.tenant_id = tenant_id;
    record.has_happened_at = true;
    record.happened_at = clock_now_us();
    record.actor = borrow(event->actor ? event->actor : caller->actor);
    record.action = borrow(event->action);
    record.entity = borrow(event->entity);
    record.entity_id = borrow(event->entity_id);
    record.outcome = borrow(event->outcome ? event->outcome : "ok");
    record.peer = borrow(caller->peer);
    record.request_id = borrow(caller->request_id);
    record.trace_id = borrow(caller->trace.trace_id);
    record.detail = borrow(event->detail);
    out->payload = (struct buffer){ .ceiling_bytes = RECORD_CEILING };
    trace_format(out->traceparent, &caller->trace);
    return write_subject(out->subject, tenant_id, event->action, err) && wire_encode(&out->payload, &record.base, err);
}

bool audit_publish_encoded(struct bus *bus, const struct audit_encoded *record, int64_t timeout_ms, struct err *err)
{
    const struct bus_header header = { "traceparent", record->traceparent };
    const struct bus_outgoing message = { .subject = record->subject,
        .data = record->payload.data,
        .size = record->payload.size,
        .headers = &header,
        .header_count = 1 };
    return bus_publish(bus, &message, record->id, timeout_ms, NULL, err);
}

bool audit_publish(struct bus *bus, const struct rpc_caller *caller, const struct audit_event *event,
    int64_t timeout_ms, struct err *err)
{
    struct audit_encoded record = { 0 };
    bool ok = audit_encode(&record, caller, event, err) && audit_publish_encoded(bus, &record, timeout_ms, err);
    buffer_done(&record.payload);
    return ok;
}
