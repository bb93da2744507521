#include "streams/overview.h"
#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"
#include "streams/national.h"

static const struct route routes[] = {
    { .method = "GET",
        .path = "/overview",
        .permission = "overview:read",
        .success = 200,
        .handler = get_overview,
        .manual = &get_overview_manual,
        .cache = CACHE_LATEST },
    { .method = "GET",
        .path = "/overview/kpis",
        .permission = "overview:read",
        .success = 200,
        .handler = get_kpis,
        .manual = &get_kpis_manual,
        .cache = CACHE_LATEST },
    { .method = "GET",
        .path = "/overview/national",
        .permission = "overview:read",
        .success = 200,
        .handler = get_national,
        .manual = &get_national_manual },
    { .method = "GET",
        .path = "/overview/map",
        .permission = "overview:read",
        .service = &nwims__v1__registry__descriptor,
        .rpc_method = "GetMap",
        .success = 200,
        .cache = CACHE_SUMMARY },
    { 0 },
};
const struct router overview_router = { "overview", "The tenant at a glance", routes };
