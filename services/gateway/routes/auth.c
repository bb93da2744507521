#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "POST", "/auth/login", PERMISSION_PUBLIC, IDENTITY, "Login", 200 },
    { "POST", "/auth/refresh", PERMISSION_PUBLIC, IDENTITY, "Refresh", 200 },
    { "POST", "/auth/logout", PERMISSION_PUBLIC, IDENTITY, "Logout", 204 },
    { "POST", "/auth/password", PERMISSION_ANY, IDENTITY, "ChangePassword", 200 },
    { "POST", "/auth/password/reset", PERMISSION_PUBLIC, IDENTITY, "UseResetSecret", 204 },
    { "POST", "/auth/mfa/enroll", PERMISSION_ANY, IDENTITY, "EnrollMfa", 200 },
    { "POST", "/auth/mfa/verify", PERMISSION_ANY, IDENTITY, "VerifyMfa", 204 },
    { "POST", "/auth/mfa/disable", PERMISSION_ANY, IDENTITY, "DisableMfa", 204 },
    { "GET", "/auth/me", PERMISSION_ANY, IDENTITY, "GetMe", 200 },
    { "POST", "/auth/keys/rotate", "tenants:write", IDENTITY, "RotateKeys", 200 },
    { "GET", "/.well-known/jwks.json", PERMISSION_PUBLIC, IDENTITY, "GetJwks", 200 },
    { 0 },
};
const struct router auth_router = { "auth", "Logging in and out, passwords, the second factor", routes };
