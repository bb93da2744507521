/* What clients do wrong, or we cannot take (front/complaint.h). */
#pragma once
#include "front/complaint.h"

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
void mqtt_complaints_init(void);
/* Into the audit trail, if it is a refused access: a wrong or ended credential, or a topic that is another device's. */
struct audit_trail;
void mqtt_complaint_record(
    struct audit_trail *trail, enum complaint complaint, int32_t tenant_id, const char *device_id, const char *peer);
