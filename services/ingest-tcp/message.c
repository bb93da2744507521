#include "message.h"

const char *bye_code_name(enum bye_code code)
{
    static const char *const names[BYE_CODES] = {
        [BYE_NORMAL] = "normal",
        [BYE_MALFORMED] = "malformed",
        [BYE_VERSION] = "version",
        [BYE_UNAUTHENTICATED] = "unauthenticated",
        [BYE_UNAVAILABLE] = "unavailable",
        [BYE_TAKEN_OVER] = "taken-over",
        [BYE_REVOKED] = "revoked",
        [BYE_GOING] = "going",
        [BYE_TOO_LARGE] = "too-large",
        [BYE_PROTOCOL] = "protocol",
        [BYE_EPOCH] = "epoch",
        [BYE_IDLE] = "idle",
        [BYE_TOO_MANY_FAILURES] = "too-many-failures",
    };
    return (unsigned)code < BYE_CODES ? names[code] : "unknown";
}
