/* What clients do wrong, or we cannot take: counted each time, logged as a sample, at most a line a second of each
 * kind. */
#pragma once
#include "base/compiler.h"

enum complaint {
    COMPLAINT_MALFORMED,
    COMPLAINT_TOO_LARGE,
    COMPLAINT_VERSION,
    COMPLAINT_CREDENTIALS,
    COMPLAINT_TOO_MANY_FAILURES,
    COMPLAINT_CLIENT_ID,
    COMPLAINT_TOPIC,
    COMPLAINT_FOREIGN_TOPIC,
    COMPLAINT_QOS,
    COMPLAINT_WINDOW,
    COMPLAINT_PROTOCOL,
    COMPLAINT_PAYLOAD,
    COMPLAINT_KEEP_ALIVE,
    COMPLAINT_REVOKED,
    COMPLAINT_TAKEN_OVER,
    COMPLAINT_UNAVAILABLE,
    COMPLAINTS
};
void complaints_init(void);
/* Any thread. device_id "" if not known yet; peer without its port. */
void complaint_note(
    enum complaint complaint, int32_t tenant_id, const char *device_id, const char *peer, const char *problem);
