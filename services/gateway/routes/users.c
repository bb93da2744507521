#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "GET", "/users", "users:read", IDENTITY, "ListUsers", 200 },
    { "POST", "/users", "users:write", IDENTITY, "CreateUser", 201 },
    { "GET", "/users/{id}", "users:read", IDENTITY, "GetUser", 200 },
    { "PATCH", "/users/{id}", "users:write", IDENTITY, "UpdateUser", 200 },
    { "DELETE", "/users/{id}", "users:delete", IDENTITY, "DeleteUser", 204 },
    { "PUT", "/users/{id}/roles", "users:write", IDENTITY, "SetUserRoles", 200 },
    { "POST", "/users/{id}/disable", "users:write", IDENTITY, "DisableUser", 200 },
    { "POST", "/users/{id}/enable", "users:write", IDENTITY, "EnableUser", 200 },
    { "POST", "/users/{id}/reset-password", "users:write", IDENTITY, "ResetPassword", 200 },
    { 0 },
};
const struct router users_router = { "users", "People who may log in", routes };
