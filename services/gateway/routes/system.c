#include "routes/routes.h"
#include "streams/system_version.h"

static const struct route routes[] = {
    { "GET", "/system/version", PERMISSION_PUBLIC, NULL, NULL, 200, get_system_version, &get_system_version_manual },
    { 0 },
};
const struct router system_router = { "system", "The system itself", routes };
