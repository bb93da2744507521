#include "nwims/v1/identity.pb-c.h"
#include "routes/routes.h"

#define IDENTITY &nwims__v1__identity__descriptor

static const struct route routes[] = {
    { "GET", "/api-keys", "api-keys:read", IDENTITY, "ListApiKeys", 200 },
    { "POST", "/api-keys", "api-keys:write", IDENTITY, "CreateApiKey", 201 },
    { "DELETE", "/api-keys/{id}", "api-keys:delete", IDENTITY, "DeleteApiKey", 204 },
    { "POST", "/api-keys/{id}/rotate", "api-keys:write", IDENTITY, "RotateApiKey", 200 },
    { 0 },
};
const struct router api_keys_router = { "api-keys", "What programs send instead of a token", routes };
