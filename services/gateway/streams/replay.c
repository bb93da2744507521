#include "streams/replay.h"
#include "nwims/v1/bulk.pb-c.h"
#include "streams/bulk.h"

const struct hand_written post_rejections_replay_manual = {
    .operation_id = "ReplayRejections",
    .summary =
        "Takes up again what could not be taken, after a sensor was registered or a profile mended: the bodies go the "
        "way that they went when they came, with the time at which they came. What was stored of them before is stored "
        "once. Above 100, or with the header \"Prefer: respond-async\", it answers 202 and goes on as a job: see "
        "Location.",
    .may_go_on = true,
    .body = &nwims__v1__replay_rejections_request__descriptor,
    .reply = &nwims__v1__job__descriptor,
};

void post_rejections_replay(struct exchange *exchange)
{
    Nwims__V1__ReplayRejectionsRequest request = NWIMS__V1__REPLAY_REJECTIONS_REQUEST__INIT;
    ProtobufCMessage *reply;
    if (!bulk_body(exchange, &request.base))
        return;
    request.has_respond_async = true;
    request.respond_async = bulk_prefers_async(exchange);
    if (bulk_call(exchange, &exchange->caller, "ReplayRejections", &request.base, &reply))
        bulk_answer(exchange, (const Nwims__V1__Job *)reply);
}
