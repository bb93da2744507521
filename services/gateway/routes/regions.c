#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"

#define REGISTRY &nwims__v1__registry__descriptor

static const struct route routes[] = {
    { "GET", "/regions", "municipalities:read", REGISTRY, "ListRegions", 200, .cache = CACHE_LIST },
    { "POST", "/regions", "municipalities:write", REGISTRY, "CreateRegion", 201, NULL, NULL },
    { "GET", "/regions/{id}", "municipalities:read", REGISTRY, "GetRegion", 200, .cache = CACHE_ENTITY },
    { "PATCH", "/regions/{id}", "municipalities:write", REGISTRY, "UpdateRegion", 200, NULL, NULL },
    { "DELETE", "/regions/{id}", "municipalities:delete", REGISTRY, "DeleteRegion", 204, NULL, NULL },
    { 0 },
};
const struct router regions_router = { "regions", "Parts of the country", routes };
