#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "GET", "/users", "users:read", IDENTITY, "ListUsers", 200, NULL, NULL },
    { "POST", "/users", "users:write", IDENTITY, "CreateUser", 201, NULL, NULL },
    { "GET", "/users/{id}", "users:read", IDENTITY, "GetUser", 200, NULL, NULL },
    { 0 },
};
const struct router users_router = { "users", "People who may log in", routes };
