#include "layers/layers.h"
#include <stdio.h>
#include <string.h>

bool layer_authorise(struct exchange *exchange)
{
    const char *needed = exchange->route->permission;
    char detail[128];
    if (strcmp(needed, PERMISSION_PUBLIC) == 0 || permission_granted(exchange->claims.permissions, needed))
        return true;
    snprintf(detail, sizeof detail, "This needs the permission %s, which none of your roles has.", needed);
    exchange_problem(exchange, 403, NULL, detail);
    return false;
}
