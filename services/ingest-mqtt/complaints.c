#include "complaints.h"
#include "service/audit_trail.h"

static const char *const names[COMPLAINTS] = {
    [COMPLAINT_MALFORMED] = "malformed",
    [COMPLAINT_TOO_LARGE] = "too_large",
    [COMPLAINT_VERSION] = "version",
    [COMPLAINT_CREDENTIALS] = "credentials",
    [COMPLAINT_TOO_MANY_FAILURES] = "too_many_failures",
    [COMPLAINT_CLIENT_ID] = "client_id",
    [COMPLAINT_TOPIC] = "topic",
    [COMPLAINT_FOREIGN_TOPIC] = "foreign_topic",
    [COMPLAINT_QOS] = "qos",
    [COMPLAINT_WINDOW] = "window",
    [COMPLAINT_PROTOCOL] = "protocol",
    [COMPLAINT_PAYLOAD] = "payload",
    [COMPLAINT_KEEP_ALIVE] = "keep_alive",
    [COMPLAINT_REVOKED] = "revoked",
    [COMPLAINT_TAKEN_OVER] = "taken_over",
    [COMPLAINT_UNAVAILABLE] = "unavailable",
};

void mqtt_complaints_init(void)
{
    complaints_init("mqtt", names, COMPLAINTS);
}

void mqtt_complaint_record(
    struct audit_trail *trail, enum complaint complaint, int32_t tenant_id, const char *device_id, const char *peer)
{
    const struct audit_device device = {
        .protocol = "mqtt", .reason = names[complaint], .peer = peer, .tenant_id = tenant_id, .device_id = device_id
    };
    if (complaint == COMPLAINT_CREDENTIALS || complaint == COMPLAINT_TOO_MANY_FAILURES ||
        complaint == COMPLAINT_REVOKED || complaint == COMPLAINT_FOREIGN_TOPIC)
        audit_trail_device_refused(trail, &device);
}
