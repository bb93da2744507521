#include "streams/device_status.h"
#include "auth/grants.h"
#include "base/clock.h"
#include "exchange.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include <string.h>

const struct hand_written get_device_status_manual = {
    .operation_id = "GetDeviceStatus",
    .summary = "Whether a device is there, when it was last heard of, and which of its sensors' readings are missing.",
    .reply = &nwims__v1__device_status__descriptor,
};

static bool ask(struct exchange *exchange, const struct rpc_caller *caller, const ProtobufCServiceDescriptor *service,
    const char *method, const ProtobufCMessage *request, ProtobufCMessage **out_reply)
{
    struct err err = { 0 };
    if (rpc_call(exchange->app->bus, service, method, caller, request, exchange->app->config.call_ms, exchange->arena,
            out_reply, NULL, &err))
        return true;
    exchange_fail(exchange, &err);
    return false;
}

static void put_reading(Nwims__V1__DeviceStatus *status, const Nwims__V1__Reading *reading, int64_t now_us)
{
    for (size_t i = 0; i < status->n_sensors; i++) {
        Nwims__V1__DeviceSensorStatus *sensor = status->sensors[i];
        if (!reading->sensor_id || strcmp(sensor->code, reading->sensor_id) != 0)
            continue;
        int64_t silent_us = now_us - reading->observed_at;
        sensor->has_last_reading_at = true;
        sensor->last_reading_at = reading->observed_at;
        if (!status->has_last_reading_at || reading->observed_at > status->last_reading_at)
            status->last_reading_at = reading->observed_at;
        status->has_last_reading_at = true;
        if (!sensor->has_period_s)
            return;
        sensor->has_missed_periods = status->has_missed_periods = true;
        sensor->missed_periods = silent_us > 0 ? silent_us / (sensor->period_s * INT64_C(1000000)) : 0;
        status->missed_periods += sensor->missed_periods;
        return;
    }
}

/* Whoever may not read readings sees the rest; who may in some places only sees those there. */
static bool add_readings(struct exchange *exchange, Nwims__V1__DeviceStatus *status)
{
    Nwims__V1__LatestRequest request = NWIMS__V1__LATEST_REQUEST__INIT;
    ProtobufCMessage *reply;
    struct rpc_caller caller = exchange->caller;
    if (status->n_sensors == 0 || !grants_decide(exchange->claims.permissions, exchange->claims.grants, "readings:read",
                                      caller.permissions, caller.scope))
        return true;
    request.sensor_ids = arena_alloc_array(exchange->arena, status->n_sensors, sizeof *request.sensor_ids);
    if (!request.sensor_ids) {
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
        return false;
    }
    for (size_t i = 0; i < status->n_sensors; i++)
        request.sensor_ids[request.n_sensor_ids++] = status->sensors[i]->sensor_id;
    if (!ask(exchange, &caller, &nwims__v1__history__descriptor, "GetLatestOfMany", &request.base, &reply))
        return false;
    const Nwims__V1__LatestReply *latest = (const Nwims__V1__LatestReply *)reply;
    int64_t now_us = clock_now_us();
    for (size_t i = 0; i < latest->n_items; i++)
        put_reading(status, latest->items[i], now_us);
    return true;
}

void get_device_status(struct exchange *exchange)
{
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    ProtobufCMessage *reply;
    request.id = (char *)(uintptr_t)exchange_parameter(exchange, "id");
    if (!ask(exchange, &exchange->caller, &nwims__v1__registry__descriptor, "GetDeviceStatus", &request.base, &reply))
        return;
    Nwims__V1__DeviceStatus *status = (Nwims__V1__DeviceStatus *)reply;
    if (add_readings(exchange, status))
        exchange_message(exchange, 200, &status->base);
}
