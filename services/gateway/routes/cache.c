#include "routes/routes.h"
#include "streams/cache_control.h"
#include "streams/cache_statistics.h"

/* Policies hold for every tenant, so changing them is for who runs the system. */
static const struct route routes[] = {
    { "GET", "/cache/statistics", "cache:read", NULL, NULL, 200, get_cache_statistics, &get_cache_statistics_manual },
    { "GET", "/cache/policies", "cache:read", NULL, NULL, 200, get_cache_policies, &get_cache_policies_manual },
    { "PUT", "/cache/policies", "system:write", NULL, NULL, 200, put_cache_policies, &put_cache_policies_manual },
    { "POST", "/cache/invalidate", "cache:write", NULL, NULL, 200, post_cache_invalidate,
        &post_cache_invalidate_manual },
    { 0 },
};
const struct router cache_router = { "cache", "What the gateways keep, and for how long", routes };
