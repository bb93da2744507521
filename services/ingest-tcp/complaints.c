#include "complaints.h"
#include "ingest_tcp.h"

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

static void record(void *context, const struct complaint_refusal *refusal)
{
    const struct app *app = context;
    const struct audit_device device = { .protocol = "tcp",
        .reason = refusal->reason,
        .peer = refusal->peer,
        .tenant_id = refusal->tenant_id,
        .device_id = refusal->device_id };
    audit_trail_device_refused(app->trail, &device);
}

void tcp_complaints_init(struct app *app)
{
    const struct complaints_config config = { .protocol = "tcp",
        .names = names,
        .count = COMPLAINTS,
        .refusals = 1u << COMPLAINT_CREDENTIALS | 1u << COMPLAINT_TOO_MANY_FAILURES | 1u << COMPLAINT_REVOKED,
        .refused = record,
        .context = app };
    complaints_init(&config);
}
