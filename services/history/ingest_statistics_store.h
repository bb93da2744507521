/* How many of a tenant's readings were stored and how many came again. Within the session's transaction, of one tenant.
 */
#pragma once
#include "history.h"
#include "store/store.h"

MUST_CHECK bool ingest_statistics_store_days(struct store_session *session, struct rpc_call *call, int64_t from_us,
    int64_t to_us, Nwims__V1__IngestStatistics *reply, struct err *err);
/* With room for more_protocols behind those found; rates are over the full minutes before now_us. */
MUST_CHECK bool ingest_statistics_store_protocols(struct store_session *session, struct rpc_call *call, int64_t from_us,
    int64_t to_us, int64_t now_us, size_t more_protocols, Nwims__V1__IngestStatistics *reply, struct err *err);
