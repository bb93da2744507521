#include "nwims/v1/history.pb-c.h"
#include "routes/routes.h"

static const struct route routes[] = {
    { "GET", "/ingest/statistics", "readings:read", &nwims__v1__history__descriptor, "GetIngestStatistics", 200,
        .cache = CACHE_LATEST },
    { 0 },
};
const struct router ingest_router = { "ingest", "What came in", routes };
