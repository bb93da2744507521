#include "aggregate_store.h"
#include <string.h>

enum { MOST_WINDOWS = 20000 };

/* Windows are whole: the range grows to their boundaries. */
static bool read_range(
    struct rpc_call *call, const Nwims__V1__AggregateRequest *request, struct aggregate_range *range, struct err *err)
{
    const char *window = request->window ? request->window : "";
    range->width_us = strcmp(window, "1m") == 0   ? 60 * (int64_t)1000000
                      : strcmp(window, "1h") == 0 ? HISTORY_HOUR_US
                      : strcmp(window, "1d") == 0 ? HISTORY_DAY_US
                                                  : 0;
    if (range->width_us == 0)
        return rpc_violation(call, err, "window", "must be 1m, 1h or 1d");
    if (!request->has_from_at || !request->has_to_at || request->from_at < 0)
        return rpc_violation(call, err, "from_at", "from_at and to_at are required and lie after 1970");
    if (request->from_at >= request->to_at)
        return rpc_violation(call, err, "to_at", "must be after from_at");
    range->from_us = history_time(request->from_at) / range->width_us * range->width_us;
    range->to_us = (history_time(request->to_at) - 1) / range->width_us * range->width_us + range->width_us;
    if ((range->to_us - range->from_us) / range->width_us > MOST_WINDOWS)
        return rpc_violation(
            call, err, "to_at", "more than %d windows: take a wider window or a shorter range", MOST_WINDOWS);
    return true;
}

bool aggregate_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__AggregateRequest *request = input;
    Nwims__V1__AggregateReply *reply = output;
    struct directory_sensor sensor;
    struct aggregate_range range;
    AUTO(store_session) session = NULL;
    if (!read_range(call, request, &range, err) || !history_sensor(context, call, request->sensor_id, &sensor, err))
        return false;
    reply->sensor_id = arena_text(call->arena, sensor.code);
    reply->unit = arena_text(call->arena, unit_code(sensor.unit));
    return history_begin(context, call, &session, err) &&
           aggregate_store_read(session, call, &sensor, &range, reply, err) && store_commit(session, err);
}
