#include "streams/bulk_alerts.h"
#include "nwims/v1/alerting.pb-c.h"
#include "rpc_exchange.h"
#include "streams/bulk.h"
#include "write_headers.h"
#include <string.h>

enum { MOST_ALERTS = 100000, CALL_MS = 60000 };

#define IDS_SCHEMA "{\"type\":\"array\",\"minItems\":1,\"maxItems\":100000,\"items\":{\"type\":\"string\"}}"
#define BODY_SCHEMA                                                                                                    \
    "{\"oneOf\":[" IDS_SCHEMA ",{\"type\":\"object\",\"properties\":{\"ids\":" IDS_SCHEMA                              \
    ",\"filter\":{\"type\":\"object\",\"properties\":{"                                                                \
    "\"sensor_id\":{\"type\":\"string\"},\"zone_id\":{\"type\":\"string\",\"format\":\"uuid\"},"                       \
    "\"municipality_id\":{\"type\":\"string\",\"format\":\"uuid\"},\"priority\":{\"type\":\"string\",\"enum\":["       \
    "\"low\",\"medium\",\"high\",\"critical\"]},\"from_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"to_at\":" \
    "{\"type\":\"string\",\"format\":\"date-time\"}}},\"comment\":{\"type\":\"string\",\"minLength\":1,"               \
    "\"maxLength\":1000}}}]}"
#define ABSENT                                                                                                         \
    " Any id that is wrong and nothing is changed (422), unless on_error=skip. Alarms are kept by the service "        \
    "alerting; where that does not run the answer is 503 no-alerting."

const struct hand_written post_alerts_resolve_manual = {
    .operation_id = "ResolveAlerts",
    .summary = "Resolves up to 100,000 alarms of the caller's scope: by a list of ids, or by a filter." ABSENT,
    .query = &nwims__v1__bulk_options__descriptor,
    .request_schema = BODY_SCHEMA,
    .may_go_on = true,
    .reply = &nwims__v1__job__descriptor,
};
const struct hand_written post_alerts_acknowledge_manual = {
    .operation_id = "AcknowledgeAlerts",
    .summary = "Acknowledges up to 100,000 alarms of the caller's scope: by a list of ids, or by a filter." ABSENT,
    .query = &nwims__v1__bulk_options__descriptor,
    .request_schema = BODY_SCHEMA,
    .may_go_on = true,
    .reply = &nwims__v1__job__descriptor,
};

/* The seed's callers send the ids alone. */
static bool is_list(const char *body, size_t size)
{
    size_t at = 0;
    while (at < size && strchr(" \t\r\n", body[at]) && body[at])
        at++;
    return at < size && body[at] == '[';
}

static bool check(const Nwims__V1__BulkAlertsRequest *request, struct transcode_violations *violations)
{
    const char *reason = NULL;
    if ((request->n_ids > 0) == (request->filter != NULL))
        reason = "say which alarms: ids, or a filter";
    else if (request->n_ids > MOST_ALERTS)
        reason = "are more than 100,000: send them in several calls";
    if (!reason)
        return true;
    violations->items[0].field = "ids";
    violations->items[0].reason = reason;
    violations->count = 1;
    return false;
}

/* False when it answered. */
static bool read_request(struct exchange *exchange, Nwims__V1__BulkAlertsRequest *request)
{
    AUTO_INPLACE(buffer) object = { 0 };
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    const char *body;
    size_t size;
    if (!bulk_json(exchange, &body, &size))
        return false;
    if (is_list(body, size)) {
        buffer_put_text(&object, "{\"ids\":");
        buffer_put(&object, body, size);
        buffer_put_char(&object, '}');
        body = object.data;
        size = object.size;
    }
    bool ok = (buffer_ok(&object) || err_set(&err, ERR_LIMIT, "no memory left for this request")) &&
              transcode_from_json(&request->base, exchange->arena, body, size, true, &violations, &err) &&
              check(request, &violations);
    if (!ok)
        rpc_exchange_violations(exchange, &violations, &err);
    return ok;
}

static void ask(struct exchange *exchange, const char *method)
{
    Nwims__V1__BulkAlertsRequest request = NWIMS__V1__BULK_ALERTS_REQUEST__INIT;
    Nwims__V1__BulkOptions options = NWIMS__V1__BULK_OPTIONS__INIT;
    struct Nwims__V1__Failure *failure = NULL;
    struct err err = { 0 };
    ProtobufCMessage *reply;
    if (!bulk_options(exchange, &options) || !read_request(exchange, &request))
        return;
    request.options = &options;
    if (rpc_call(exchange->app->bus, &nwims__v1__alerting__descriptor, method, &exchange->caller, &request.base,
            CALL_MS, exchange->arena, &reply, &failure, &err))
        bulk_answer(exchange, (const Nwims__V1__Job *)reply);
    else if (!rpc_exchange_absent(exchange, &nwims__v1__alerting__descriptor, &err))
        rpc_exchange_failure(exchange, failure, &err);
}

void post_alerts_resolve(struct exchange *exchange)
{
    ask(exchange, "ResolveAlerts");
}

void post_alerts_acknowledge(struct exchange *exchange)
{
    ask(exchange, "AcknowledgeAlerts");
}
