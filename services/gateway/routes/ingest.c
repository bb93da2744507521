#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"
#include "streams/replay.h"

#define REGISTRY &nwims__v1__registry__descriptor

static const struct route routes[] = {
    { "GET", "/ingest/statistics", "readings:read", &nwims__v1__history__descriptor, "GetIngestStatistics", 200,
        .cache = CACHE_LATEST },
    { "GET", "/ingest/rejections", "ingest:read", REGISTRY, "ListRejections", 200 },
    { "GET", "/ingest/rejections/{id}", "ingest:read", REGISTRY, "GetRejection", 200 },
    { "POST", "/ingest/rejections/replay", "ingest:write", .success = 200, .handler = post_rejections_replay,
        .manual = &post_rejections_replay_manual },
    { 0 },
};
const struct router ingest_router = { "ingest", "What came in, and what could not be taken", routes };
