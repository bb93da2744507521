#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "GET", "/tenants", "tenants:read", IDENTITY, "ListTenants", 200, NULL, NULL },
    { "POST", "/tenants", "tenants:write", IDENTITY, "CreateTenant", 201, NULL, NULL },
    { "GET", "/tenants/{id}", "tenants:read", IDENTITY, "GetTenant", 200, NULL, NULL },
    { "PATCH", "/tenants/{id}", "tenants:write", IDENTITY, "UpdateTenant", 200, NULL, NULL },
    { 0 },
};
const struct router tenants_router = { "tenants", "Utilities: everything else belongs to one", routes };
