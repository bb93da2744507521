#include "routes/routes.h"
#include "streams/system_status.h"
#include "streams/system_version.h"

static const struct route routes[] = {
    { "GET", "/system/version", PERMISSION_PUBLIC, NULL, NULL, 200, get_system_version, &get_system_version_manual },
    { "GET", "/system/services", "system:read", NULL, NULL, 200, get_system_services, &get_system_services_manual },
    { "GET", "/system/streams", "system:read", NULL, NULL, 200, get_system_streams, &get_system_streams_manual },
    { "GET", "/system/performance", "system:read", NULL, NULL, 200, get_system_performance,
        &get_system_performance_manual },
    { 0 },
};
const struct router system_router = { "system", "The system itself", routes };
