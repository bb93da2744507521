/* What could not be taken, in SQL: kept with a ceiling by age and by number, counted by day. */
#pragma once
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/refusals.pb-c.h"
#include "page.h"
#include "sql.h"
#include "work.h"

/* Keeps what the ingests tell, in the order given; of one tenant each transaction. Doing it twice is doing it once. A
 * tenant keeps the newest config.refusals_most. */
MUST_CHECK bool refusal_store_take(struct registry *registry, const Nwims__V1__Refused *const *refusals, size_t count,
    struct arena *arena, struct err *err);
/* Over all tenants: forgets what is too old. Any number of replicas at once. */
MUST_CHECK bool refusal_store_purge(struct registry *registry, size_t *out_count, struct err *err);

/* Newest first; one more than the page's limit is read to see whether there is a next page. */
MUST_CHECK bool refusal_store_list(struct work *work, const Nwims__V1__ListRejectionsRequest *request,
    const struct page *page, Nwims__V1__ListRejectionsReply *out_reply, bool *out_has_more, struct err *err);
/* With its body. ERR_NOT_FOUND. */
MUST_CHECK bool refusal_store_get(struct work *work, const char *id, Nwims__V1__Rejection *reply, struct err *err);
/* The conditions of a filter (ListRejectionsRequest or RejectionFilter) behind "WHERE tenant_id = ..." on table r. */
void refusal_store_put_filter(struct sql *sql, const ProtobufCMessage *filter);

/* By protocol and reason from the day of from_us to that of to_us, and the devices that were seen in that time; in a
 * session that begun in the tenant. */
MUST_CHECK bool refusal_store_count(struct store_session *session, int32_t tenant_id, int64_t from_us, int64_t to_us,
    struct arena *arena, Nwims__V1__RefusalCounts *out_reply, struct err *err);
