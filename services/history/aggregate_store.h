/* Windows of time over one sensor's readings. Within the session's transaction, of one tenant. */
#pragma once
#include "history.h"
#include "store/store.h"

/* from_us and to_us lie on window boundaries; width_us is a minute, an hour or a day. Exact at any time: what the
 * rollups do not know yet comes from the readings. */
struct aggregate_range {
    int64_t from_us, to_us, width_us;
};
MUST_CHECK bool aggregate_store_read(struct store_session *session, struct rpc_call *call,
    const struct directory_sensor *sensor, const struct aggregate_range *range, Nwims__V1__AggregateReply *reply,
    struct err *err);
