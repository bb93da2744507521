/* What a sensor's readings were like. Within the session's transaction, of one tenant. */
#pragma once
#include "history.h"
#include "store/store.h"

MUST_CHECK bool statistics_store_read(struct store_session *session, struct rpc_call *call,
    const struct directory_sensor *sensor, int64_t from_us, int64_t to_us, Nwims__V1__Statistics *reply,
    struct err *err);
