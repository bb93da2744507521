#include "auth/grants.h"
#include "layers/layers.h"
#include <stdio.h>
#include <string.h>

_Static_assert((int)RPC_SCOPE_SIZE >= (int)GRANT_SCOPE_SIZE && (int)RPC_PERMISSIONS_SIZE >= (int)CLAIM_PERMISSIONS_SIZE,
    "what is decided here fits into the headers of a call");

/* The owner is told what holds for this very call: the permission's scope, and what else holds in all of it. */
bool layer_authorise(struct exchange *exchange)
{
    const char *needed = exchange->route->permission;
    char detail[128];
    if (strcmp(needed, PERMISSION_PUBLIC) == 0 || grants_decide(exchange->claims.permissions, exchange->claims.grants,
                                                      needed, exchange->caller.permissions, exchange->caller.scope))
        return true;
    bool is_key = strncmp(exchange->claims.subject, "key:", 4) == 0;
    snprintf(detail, sizeof detail, "This needs the permission %s, which %s.", needed,
        is_key ? "this API key does not have" : "none of your roles has");
    exchange_problem(exchange, 403, NULL, detail);
    return false;
}
