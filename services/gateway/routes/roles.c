#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "GET", "/roles", "roles:read", IDENTITY, "ListRoles", 200 },
    { "POST", "/roles", "roles:write", IDENTITY, "CreateRole", 201 },
    { "GET", "/roles/{id}", "roles:read", IDENTITY, "GetRole", 200 },
    { "PATCH", "/roles/{id}", "roles:write", IDENTITY, "UpdateRole", 200 },
    { "DELETE", "/roles/{id}", "roles:delete", IDENTITY, "DeleteRole", 204 },
    { "GET", "/permissions", "roles:read", IDENTITY, "ListPermissions", 200 },
    { 0 },
};
const struct router roles_router = { "roles", "Permissions under a name", routes };
