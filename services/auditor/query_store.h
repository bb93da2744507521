/* Records as they are asked for: a page of a filtered list, or one. */
#pragma once
#include "nwims/v1/audit.pb-c.h"
#include "store/store.h"
#include "wire/wire.h"

/* Behind this record of the list, the newest first; { 0 } for the first page. */
struct record_place {
    int64_t happened_at, sequence;
};
/* The session's transaction names the tenant. */
MUST_CHECK bool query_store_list(struct store_session *session, int32_t tenant_id,
    const Nwims__V1__ListAuditRequest *request, const struct record_place *behind, int64_t limit, struct arena *arena,
    Nwims__V1__AuditRecord ***out_records, size_t *out_count, struct err *err);
/* ERR_NOT_FOUND if it is not there. */
MUST_CHECK bool query_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__AuditRecord *out_record, struct err *err);
