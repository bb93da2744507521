#include "nwims/v1/assets.pb-c.h"
#include "routes/routes.h"
#include "streams/import_network.h"

#define ASSETS &nwims__v1__assets__descriptor

static const struct route routes[] = {
    { "GET", "/assets", "assets:read", ASSETS, "ListAssets", 200, .cache = CACHE_LIST },
    { "POST", "/assets", "assets:write", ASSETS, "CreateAsset", 201, NULL, NULL },
    { "POST", "/assets/import", "assets:write", NULL, NULL, 200, import_network, &import_network_manual },
    { "GET", "/assets/{id}", "assets:read", ASSETS, "GetAsset", 200, .cache = CACHE_ENTITY },
    { "PATCH", "/assets/{id}", "assets:write", ASSETS, "UpdateAsset", 200, NULL, NULL },
    { "DELETE", "/assets/{id}", "assets:delete", ASSETS, "DeleteAsset", 204, NULL, NULL },
    { "GET", "/networks", "assets:read", ASSETS, "ListNetworks", 200, .cache = CACHE_LIST },
    { "GET", "/networks/{id}", "assets:read", ASSETS, "GetNetwork", 200, .cache = CACHE_ENTITY },
    { "DELETE", "/networks/{id}", "assets:delete", ASSETS, "DeleteNetwork", 204, NULL, NULL },
    { "GET", "/networks/{id}/geojson", "assets:read", ASSETS, "MapNetwork", 200, .media_type = "application/geo+json" },
    { 0 },
};
const struct router assets_router = { "assets", "Pumps, valves, tanks, pipes, and the networks that they make up",
    routes };
