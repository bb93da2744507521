/* What devices do wrong, or we cannot take (front/complaint.h). */
#pragma once
#include "front/complaint.h"

enum complaint {
    COMPLAINT_MALFORMED,
    COMPLAINT_TOO_LARGE,
    COMPLAINT_VERSION,
    COMPLAINT_PROTOCOL,
    COMPLAINT_CREDENTIALS,
    COMPLAINT_TOO_MANY_FAILURES,
    COMPLAINT_EPOCH,
    COMPLAINT_MISSING,
    COMPLAINT_PAYLOAD,
    COMPLAINT_IDLE,
    COMPLAINT_REVOKED,
    COMPLAINT_TAKEN_OVER,
    COMPLAINT_UNAVAILABLE,
    COMPLAINTS
};
/* Of a wrong or ended credential the audit is told (app->trail). */
struct app;
void tcp_complaints_init(struct app *app);
