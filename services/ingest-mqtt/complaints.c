#include "complaints.h"
#include "ingest_mqtt.h"

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

static void record(void *context, const struct complaint_refusal *refusal)
{
    const struct app *app = context;
    const struct audit_device device = { .protocol = "mqtt",
        .reason = refusal->reason,
        .peer = refusal->peer,
        .tenant_id = refusal->tenant_id,
        .device_id = refusal->device_id };
    audit_trail_device_refused(app->trail, &device);
}

void mqtt_complaints_init(struct app *app)
{
    const struct complaints_config config = { .protocol = "mqtt",
        .names = names,
        .count = COMPLAINTS,
        .refusals = 1u << COMPLAINT_CREDENTIALS | 1u << COMPLAINT_TOO_MANY_FAILURES | 1u << COMPLAINT_REVOKED |
                    1u << COMPLAINT_FOREIGN_TOPIC,
        .refused = record,
        .context = app };
    complaints_init(&config);
}
