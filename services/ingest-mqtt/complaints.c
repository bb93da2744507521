#include "complaints.h"

void mqtt_complaints_init(void)
{
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
    complaints_init("mqtt", names, COMPLAINTS);
}
