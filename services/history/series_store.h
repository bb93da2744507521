/* Readings of sensors as stored. Within the session's transaction, of one tenant. */
#pragma once
#include "history.h"
#include "store/store.h"

struct series_range {
    int64_t from_us, to_us; /* from <= observed_at < to */
    int64_t limit;
    bool is_descending;
};
/* Appends readings in the arena. */
MUST_CHECK bool series_store_read(struct store_session *session, struct rpc_call *call,
    const struct directory_sensor *sensor, const struct series_range *range, Nwims__V1__SeriesReply *reply,
    struct err *err);
/* One row as a message in the arena; columns from first: observed_at, value, received_at, status, flags. */
MUST_CHECK bool series_store_reading(const struct store_result *result, size_t row, size_t first,
    const struct directory_sensor *sensor, struct rpc_call *call, Nwims__V1__Reading **out_reading, struct err *err);
/* The newest reading of each sensor that has one, with its place among them. */
MUST_CHECK bool series_store_latest(struct store_session *session, struct rpc_call *call,
    const struct directory_sensor *sensors, size_t count, Nwims__V1__LatestReply *reply, struct err *err);
