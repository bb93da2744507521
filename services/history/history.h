/* What every handler of history works with. */
#pragma once
#include "ingest/directory.h"
#include "ingest/unit.h"
#include "nwims/v1/history.pb-c.h"
#include "rpc/rpc.h"
#include "settings.h"

struct history {
    struct store *store;
    struct bus *bus;
    struct directory *directory;
};
/* Every method of the service History. */
extern const struct rpc_method history_methods[];
rpc_handler series_get, latest_get, latest_get_many, aggregate_get, readings_list, reading_counts_get, kind_days_get,
    statistics_get, ingest_statistics_get, batch_get;

/* A session inside a transaction of the caller's tenant, whose rows alone it sees; checks readings:read. */
MUST_CHECK bool history_begin(
    struct history *history, const struct rpc_call *call, struct store_session **out_session, struct err *err);
/* The sensor of that id or code; ERR_NOT_FOUND. */
MUST_CHECK bool history_sensor(struct history *history, struct rpc_call *call, const char *name,
    struct directory_sensor *out_sensor, struct err *err);

/* A time as a caller named it, cut to 1970 to 9999: there are no readings beyond, and arithmetic on it does not
 * overflow. */
int64_t history_time(int64_t us);

#define HISTORY_HOUR_US (3600 * (int64_t)1000000)
#define HISTORY_DAY_US (24 * HISTORY_HOUR_US)
