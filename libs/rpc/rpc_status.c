#include "rpc/rpc.h"

/* gRPC's numbers: 3 INVALID_ARGUMENT, 4 DEADLINE_EXCEEDED, 5 NOT_FOUND, 6 ALREADY_EXISTS, 7 PERMISSION_DENIED, 8
 * RESOURCE_EXHAUSTED, 9 FAILED_PRECONDITION, 10 ABORTED, 11 OUT_OF_RANGE, 12 UNIMPLEMENTED, 13 INTERNAL, 14
 * UNAVAILABLE, 16 UNAUTHENTICATED. */
int rpc_status_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return 0;
    case ERR_INPUT:
        return 3;
    case ERR_UNAUTHENTICATED:
        return 16;
    case ERR_DENIED:
        return 7;
    case ERR_NOT_FOUND:
        return 5;
    case ERR_CONFLICT:
        return 6;
    case ERR_PRECONDITION:
        return 9;
    case ERR_TRANSIENT:
        return 14;
    case ERR_DEADLINE:
        return 4;
    case ERR_LIMIT:
        return 8;
    case ERR_CONFIG: /* not the caller's business: only our operator can help */
    case ERR_BUG:
        return 13;
    }
    return 13;
}

enum err_kind rpc_kind_of(int status)
{
    switch (status) {
    case 0:
        return ERR_NONE;
    case 3:
    case 11:
        return ERR_INPUT;
    case 4:
        return ERR_DEADLINE;
    case 5:
        return ERR_NOT_FOUND;
    case 6:
    case 10:
        return ERR_CONFLICT;
    case 9:
        return ERR_PRECONDITION;
    case 7:
        return ERR_DENIED;
    case 8:
        return ERR_LIMIT;
    case 12: /* the owner is older than we are: an update is under way, another replica may know the method */
    case 14:
        return ERR_TRANSIENT;
    case 16:
        return ERR_UNAUTHENTICATED;
    default:
        return ERR_BUG;
    }
}
