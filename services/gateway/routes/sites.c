#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"

#define REGISTRY &nwims__v1__registry__descriptor

static const struct route routes[] = {
    { "GET", "/sites", "sites:read", REGISTRY, "ListSites", 200, .cache = CACHE_LIST },
    { "POST", "/sites", "sites:write", REGISTRY, "CreateSite", 201, NULL, NULL },
    { "GET", "/sites/{id}", "sites:read", REGISTRY, "GetSite", 200, .cache = CACHE_ENTITY },
    { "PATCH", "/sites/{id}", "sites:write", REGISTRY, "UpdateSite", 200, NULL, NULL },
    { "DELETE", "/sites/{id}", "sites:delete", REGISTRY, "DeleteSite", 204, NULL, NULL },
    { 0 },
};
const struct router sites_router = { "sites", "Places with equipment", routes };
