#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "GET", "/tenants", "tenants:read", IDENTITY, "ListTenants", 200 },
    { "POST", "/tenants", "tenants:write", IDENTITY, "CreateTenant", 201 },
    { "GET", "/tenants/{id}", "tenants:read", IDENTITY, "GetTenant", 200 },
    { "PATCH", "/tenants/{id}", "tenants:write", IDENTITY, "UpdateTenant", 200 },
    { "DELETE", "/tenants/{id}", "tenants:delete", IDENTITY, "DeleteTenant", 204 },
    { "GET", "/tenants/{id}/usage", "tenants:read", IDENTITY, "GetTenantUsage", 200 },
    { "PUT", "/tenants/{id}/quota", "tenants:write", IDENTITY, "SetTenantQuota", 200 },
    { "POST", "/tenants/{id}/suspend", "tenants:write", IDENTITY, "SuspendTenant", 200 },
    { "POST", "/tenants/{id}/resume", "tenants:write", IDENTITY, "ResumeTenant", 200 },
    { 0 },
};
const struct router tenants_router = { "tenants", "Utilities: everything else belongs to one", routes };
