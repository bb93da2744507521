#include "streams/sensors_update.h"
#include "nwims/v1/bulk.pb-c.h"
#include "streams/bulk.h"

const struct hand_written post_sensors_update_manual = {
    .operation_id = "UpdateSensors",
    .summary =
        "Changes configuration, thresholds or state of up to 100,000 sensors in one transaction: each with a change of "
        "its own (items), or one change (set) for all of ids or all that filter selects. Any bad item and nothing is "
        "changed (422), unless on_error=skip. Above 1,000 sensors, or with the header \"Prefer: respond-async\", it "
        "answers 202 and goes on as a job: see Location.",
    .query = &nwims__v1__bulk_options__descriptor,
    .may_go_on = true,
    .body = &nwims__v1__update_sensors_request__descriptor,
    .reply = &nwims__v1__job__descriptor,
};

void post_sensors_update(struct exchange *exchange)
{
    Nwims__V1__UpdateSensorsRequest request = NWIMS__V1__UPDATE_SENSORS_REQUEST__INIT;
    Nwims__V1__BulkOptions options = NWIMS__V1__BULK_OPTIONS__INIT;
    ProtobufCMessage *reply;
    if (!bulk_options(exchange, &options) || !bulk_body(exchange, &request.base))
        return;
    request.options = &options;
    if (bulk_call(exchange, &exchange->caller, "UpdateSensors", &request.base, &reply))
        bulk_answer(exchange, (const Nwims__V1__Job *)reply);
}
