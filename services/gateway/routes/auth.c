#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "POST", "/auth/login", PERMISSION_PUBLIC, IDENTITY, "Login", 200, NULL, NULL },
    { "POST", "/auth/refresh", PERMISSION_PUBLIC, IDENTITY, "Refresh", 200, NULL, NULL },
    { "POST", "/auth/logout", PERMISSION_PUBLIC, IDENTITY, "Logout", 204, NULL, NULL },
    { "GET", "/auth/me", PERMISSION_ANY, IDENTITY, "GetMe", 200, NULL, NULL },
    { "GET", "/.well-known/jwks.json", PERMISSION_PUBLIC, IDENTITY, "GetJwks", 200, .cache = CACHE_PUBLIC },
    { 0 },
};
const struct router auth_router = { "auth", "Logging in and out", routes };
