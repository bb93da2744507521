#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"

#define REGISTRY &nwims__v1__registry__descriptor

static const struct route routes[] = {
    { "GET", "/municipalities", "municipalities:read", REGISTRY, "ListMunicipalities", 200, .cache = CACHE_LIST },
    { "GET", "/municipalities.geojson", "municipalities:read", REGISTRY, "MapMunicipalities", 200, .cache = CACHE_LIST,
        .media_type = "application/geo+json" },
    { "POST", "/municipalities", "municipalities:write", REGISTRY, "CreateMunicipality", 201, NULL, NULL },
    { "GET", "/municipalities/{id}", "municipalities:read", REGISTRY, "GetMunicipality", 200, .cache = CACHE_ENTITY },
    { "GET", "/municipalities/{id}/summary", "municipalities:read", REGISTRY, "GetMunicipalitySummary", 200,
        .cache = CACHE_SUMMARY },
    { "PATCH", "/municipalities/{id}", "municipalities:write", REGISTRY, "UpdateMunicipality", 200, NULL, NULL },
    { "DELETE", "/municipalities/{id}", "municipalities:delete", REGISTRY, "DeleteMunicipality", 204, NULL, NULL },
    { 0 },
};
const struct router municipalities_router = { "municipalities", "Towns and districts served", routes };
