/* A record as it goes over the bus; what the files of audit share. */
#pragma once
#include "base/uuid.h"
#include "service/audit.h"

enum { AUDIT_SUBJECT_SIZE = 96 };
struct audit_encoded {
    struct buffer payload;
    char id[UUID_TEXT_SIZE];
    char subject[AUDIT_SUBJECT_SIZE];
    char traceparent[TRACEPARENT_SIZE];
};
/* The caller ends with buffer_done on the payload, also after a failure. */
MUST_CHECK bool audit_encode(
    struct audit_encoded *out, const struct rpc_caller *caller, const struct audit_event *event, struct err *err);
/* Under the record's own id: twice is once. */
MUST_CHECK bool audit_publish_encoded(
    struct bus *bus, const struct audit_encoded *record, int64_t timeout_ms, struct err *err);
