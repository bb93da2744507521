#include "routes/routes.h"

const struct router *const routers[] = {
    &auth_router,
    &tenants_router,
    &users_router,
    &roles_router,
    &api_keys_router,
    &regions_router,
    &municipalities_router,
    &zones_router,
    &sites_router,
    &assets_router,
    &devices_router,
    &sensors_router,
    &readings_router,
    &batch_router,
    &ingest_router,
    &overview_router,
    &stream_router,
    &audit_router,
    &system_router,
    NULL,
};
