#include "complaints.h"

void tcp_complaints_init(void)
{
    static const char *const names[COMPLAINTS] = {
        [COMPLAINT_MALFORMED] = "malformed",
        [COMPLAINT_TOO_LARGE] = "too_large",
        [COMPLAINT_VERSION] = "version",
        [COMPLAINT_PROTOCOL] = "protocol",
        [COMPLAINT_CREDENTIALS] = "credentials",
        [COMPLAINT_TOO_MANY_FAILURES] = "too_many_failures",
        [COMPLAINT_EPOCH] = "epoch",
        [COMPLAINT_MISSING] = "missing",
        [COMPLAINT_PAYLOAD] = "payload",
        [COMPLAINT_IDLE] = "idle",
        [COMPLAINT_REVOKED] = "revoked",
        [COMPLAINT_TAKEN_OVER] = "taken_over",
        [COMPLAINT_UNAVAILABLE] = "unavailable",
    };
    complaints_init("tcp", names, COMPLAINTS);
}
