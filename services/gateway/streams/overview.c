#include "streams/overview.h"
#include "base/clock.h"
#include "exchange.h"
#include "nwims/v1/overview.pb-c.h"

const struct hand_written get_overview_manual = {
    .operation_id = "GetOverview",
    .summary = "How much of everything the tenant has, how many readings came in, and when the last did.",
    .reply = &nwims__v1__overview__descriptor,
};
const struct hand_written get_kpis_manual = {
    .operation_id = "GetKpis",
    .summary = "Figures by which the running of the tenant's system is judged.",
    .reply = &nwims__v1__kpis__descriptor,
};

static bool ask(struct exchange *exchange, const ProtobufCServiceDescriptor *service, const char *method,
    const ProtobufCMessage *request, ProtobufCMessage **out_reply)
{
    struct err err = { 0 };
    if (rpc_call(exchange->app->bus, service, method, &exchange->caller, request, exchange->app->config.call_ms,
            exchange->arena, out_reply, NULL, &err))
        return true;
    exchange_fail(exchange, &err);
    return false;
}

/* Both owners' counts; false when it answered. */
static bool gather(struct exchange *exchange, Nwims__V1__Overview *overview)
{
    ProtobufCMessage *network, *readings;
    Nwims__V1__NetworkCountsRequest all = NWIMS__V1__NETWORK_COUNTS_REQUEST__INIT;
    Nwims__V1__Empty nothing = NWIMS__V1__EMPTY__INIT;
    nwims__v1__overview__init(overview);
    if (!ask(exchange, &nwims__v1__registry__descriptor, "GetNetworkCounts", &all.base, &network) ||
        !ask(exchange, &nwims__v1__history__descriptor, "GetReadingCounts", &nothing.base, &readings))
        return false;
    overview->network = (Nwims__V1__NetworkCounts *)network;
    overview->readings = (Nwims__V1__ReadingCounts *)readings;
    return true;
}

void get_overview(struct exchange *exchange)
{
    Nwims__V1__Overview overview;
    if (gather(exchange, &overview))
        exchange_message(exchange, 200, &overview.base);
}

static bool share(int64_t part, int64_t whole, double *out_share)
{
    *out_share = whole > 0 ? (double)part / (double)whole : 0;
    return whole > 0;
}

void get_kpis(struct exchange *exchange)
{
    Nwims__V1__Overview overview;
    Nwims__V1__Kpis kpis = NWIMS__V1__KPIS__INIT;
    if (!gather(exchange, &overview))
        return;
    const Nwims__V1__NetworkCounts *network = overview.network;
    const Nwims__V1__ReadingCounts *readings = overview.readings;
    kpis.has_readings_today = kpis.has_readings_per_day = true;
    kpis.readings_today = readings->stored_today;
    kpis.readings_per_day = (double)readings->stored_week / 7;
    kpis.has_duplicate_share =
        share(readings->duplicate_week, readings->duplicate_week + readings->stored_week, &kpis.duplicate_share);
    kpis.has_sensors_active_share = share(network->sensors_active, network->sensors, &kpis.sensors_active_share);
    kpis.has_devices_active_share = share(network->devices_active, network->devices, &kpis.devices_active_share);
    kpis.has_readings_per_sensor = share(readings->stored_today, network->sensors_active, &kpis.readings_per_sensor);
    kpis.has_silence_s = readings->has_last_stored_at;
    kpis.silence_s = (double)(clock_now_us() - readings->last_stored_at) / 1e6;
    exchange_message(exchange, 200, &kpis.base);
}
