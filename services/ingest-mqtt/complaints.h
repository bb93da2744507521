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
/* Of a wrong or ended credential, or a topic that is another device's, the audit is told (app->trail). */
struct app;
void mqtt_complaints_init(struct app *app);
