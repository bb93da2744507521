/* The tables, one file each. */
#pragma once
#include "route.h"

extern const struct router api_keys_router, auth_router, tenants_router, roles_router, users_router, regions_router,
    municipalities_router, zones_router, sites_router, devices_router, sensors_router, readings_router, batch_router,
    ingest_router, audit_router, system_router, stream_router, overview_router, assets_router, cache_router;
