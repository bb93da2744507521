#include "base/clock.h"
#include "statistics_store.h"

#define USUAL_RANGE_US (7 * HISTORY_DAY_US)
#define LONGEST_RANGE_US (400 * HISTORY_DAY_US)

bool statistics_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__StatisticsRequest *request = input;
    Nwims__V1__Statistics *reply = output;
    struct directory_sensor sensor;
    AUTO(store_session) session = NULL;
    int64_t to_us = request->has_to_at ? history_time(request->to_at) : clock_now_us();
    int64_t from_us = request->has_from_at ? history_time(request->from_at) : to_us - USUAL_RANGE_US;
    if (from_us >= to_us)
        return rpc_violation(call, err, "from_at", "must be before to_at");
    if (to_us - from_us > LONGEST_RANGE_US)
        return rpc_violation(call, err, "from_at", "at most 400 days at a time");
    if (!history_sensor(context, call, request->id, &sensor, err))
        return false;
    reply->sensor_id = arena_text(call->arena, sensor.code);
    reply->unit = arena_text(call->arena, unit_code(sensor.unit));
    reply->has_from_at = reply->has_to_at = true;
    reply->from_at = from_us;
    reply->to_at = to_us;
    return history_begin(context, call, &session, err) &&
           statistics_store_read(session, call, &sensor, from_us, to_us, reply, err) && store_commit(session, err);
}
