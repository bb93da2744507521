#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"
#include "streams/device_status.h"
#include "streams/import_rows.h"

#define REGISTRY &nwims__v1__registry__descriptor

static const struct route routes[] = {
    { "GET", "/devices", "devices:read", REGISTRY, "ListDevices", 200, .cache = CACHE_LIST },
    { "POST", "/devices", "devices:write", REGISTRY, "CreateDevice", 201, NULL, NULL },
    { "GET", "/devices/{id}", "devices:read", REGISTRY, "GetDevice", 200, .cache = CACHE_ENTITY },
    { "PATCH", "/devices/{id}", "devices:write", REGISTRY, "UpdateDevice", 200, NULL, NULL },
    { "DELETE", "/devices/{id}", "devices:delete", REGISTRY, "DeleteDevice", 204, NULL, NULL },
    { "GET", "/devices/{id}/credentials", "devices:read", REGISTRY, "ListCredentials", 200, NULL, NULL },
    { "POST", "/devices/{id}/credentials", "devices:write", REGISTRY, "CreateCredential", 201, NULL, NULL },
    { "DELETE", "/devices/{id}/credentials/{credential_id}", "devices:write", REGISTRY, "DeleteCredential", 204, NULL,
        NULL },
    { "POST", "/devices/import", "devices:bulk", .success = 200, .handler = import_devices,
        .manual = &import_devices_manual },
    { "GET", "/devices/{id}/status", "devices:read", NULL, NULL, 200, get_device_status, &get_device_status_manual },
    { "GET", "/devices/{id}/commands", "devices:read", REGISTRY, "ListCommands", 200, NULL, NULL },
    { "POST", "/devices/{id}/commands", "devices:write", REGISTRY, "CreateCommand", 201, NULL, NULL },
    { 0 },
};
const struct router devices_router = { "devices",
    "What sends readings, its credentials, how it is, and what it is to do", routes };
