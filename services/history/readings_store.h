/* Readings of many sensors by time. Within the session's transaction, of one tenant. */
#pragma once
#include "chosen.h"
#include "series_store.h"

struct readings_range {
    struct series_range time;
    int64_t after_us; /* of the page before: its last reading; sensor 0: there was none */
    int32_t after_sensor;
};
/* Sorted by time and, within one, by sensor; last_sensor is that of the last one. */
MUST_CHECK bool readings_store_read(struct store_session *session, struct rpc_call *call, const struct chosen *chosen,
    const struct readings_range *range, Nwims__V1__SeriesReply *reply, int32_t *out_last_sensor, struct err *err);
