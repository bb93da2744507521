#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"

#define REGISTRY &nwims__v1__registry__descriptor

static const struct route routes[] = {
    { "GET", "/zones", "zones:read", REGISTRY, "ListZones", 200, .cache = CACHE_LIST },
    { "GET", "/zones.geojson", "zones:read", REGISTRY, "MapZones", 200, .cache = CACHE_LIST,
        .media_type = "application/geo+json" },
    { "POST", "/zones", "zones:write", REGISTRY, "CreateZone", 201, NULL, NULL },
    { "GET", "/zones/{id}", "zones:read", REGISTRY, "GetZone", 200, .cache = CACHE_ENTITY },
    { "PATCH", "/zones/{id}", "zones:write", REGISTRY, "UpdateZone", 200, NULL, NULL },
    { "DELETE", "/zones/{id}", "zones:delete", REGISTRY, "DeleteZone", 204, NULL, NULL },
    { 0 },
};
const struct router zones_router = { "zones", "District metered areas", routes };
