#include "streams/system_ping.h"
#include "base/clock.h"
#include "exchange.h"
#include <stdlib.h>
#include <string.h>

enum {
    MOST_PROCESSES = 2000,
    TIMEOUT_MS = 2500,
    QUIET_MS = 700, /* a process asks its database before it answers */
    KEEP_MS = 2000,
};

/* What all status pages show, so that one question serves them all. */
static const char *const families[] = {
    "http_server_request_duration_seconds",
    "nwims_ingest_received_total",
    "nwims_ingest_accepted_total",
    "nwims_ingest_refused_total",
    "nwims_ingest_pushed_back_total",
    "nwims_mqtt_packets_total",
    "nwims_batch_writer_readings_stored_total",
    "nwims_batch_writer_readings_duplicate_total",
    "nwims_batch_writer_messages_dead_total",
    "nwims_auditor_records_stored_total",
    "nwims_outbox_published_total",
    "nwims_gateway_stream_events_total",
    "rpc_server_calls_total",
};

void system_ping_init(struct system_ping *ping)
{
    *ping = (struct system_ping){ 0 };
    pthread_mutex_init(&ping->lock, NULL);
}

void system_ping_done(struct system_ping *ping)
{
    bus_answers_done(&ping->answers);
    pthread_mutex_destroy(&ping->lock);
}

static bool gather(struct exchange *exchange, struct system_ping *ping, struct err *err)
{
    static const struct bus_gather_limits limits = {
        .timeout_ms = TIMEOUT_MS, .quiet_ms = QUIET_MS, .most = MOST_PROCESSES
    };
    AUTO_INPLACE(buffer) body = { 0 };
    Nwims__V1__PingRequest request = NWIMS__V1__PING_REQUEST__INIT;
    request.families = (char **)(uintptr_t)families;
    request.n_families = COUNT_OF(families);
    if (!wire_encode(&body, &request.base, err))
        return false;
    const struct bus_outgoing question = { .subject = "system.ping", .data = body.data, .size = body.size };
    bus_answers_done(&ping->answers);
    ping->asked_us = 0;
    if (!bus_gather(exchange->app->bus, &question, &limits, &ping->answers, err))
        return false;
    ping->asked_us = clock_monotonic_us();
    return true;
}

static int by_name(const void *left, const void *right)
{
    const Nwims__V1__ServiceState *const *a = left, *const *b = right;
    int order = strcmp((*a)->name, (*b)->name);
    order = order ? order : strcmp((*a)->host, (*b)->host);
    return order ? order : ((*a)->pid > (*b)->pid) - ((*a)->pid < (*b)->pid);
}

/* What is no answer, or of a version that says less than we need, is passed over. */
static bool decode(struct exchange *exchange, const struct bus_answers *answers, Nwims__V1__ServiceState ***out_states,
    size_t *out_count, struct err *err)
{
    size_t count = 0;
    Nwims__V1__ServiceState **states = arena_alloc_array(exchange->arena, answers->count + 1, sizeof(void *));
    if (!states)
        return err_set(err, ERR_LIMIT, "no memory left for the answers");
    for (size_t i = 0; i < answers->count; i++) {
        ProtobufCMessage *message = NULL;
        struct err ignored = { 0 };
        if (!wire_decode(&message, exchange->arena, &nwims__v1__service_state__descriptor,
                bus_message_data(answers->messages[i]), bus_message_size(answers->messages[i]), &ignored)) {
            if (ignored.kind == ERR_LIMIT)
                return err_set(err, ERR_LIMIT, "no memory left for the answers");
            continue;
        }
        states[count] = (Nwims__V1__ServiceState *)message;
        count += states[count]->name && states[count]->host;
    }
    qsort(states, count, sizeof *states, by_name);
    *out_states = states;
    *out_count = count;
    return true;
}

bool system_ping_ask(struct exchange *exchange, Nwims__V1__ServiceState ***out_states, size_t *out_count)
{
    struct system_ping *ping = &exchange->app->ping;
    struct err err = { 0 };
    pthread_mutex_lock(&ping->lock);
    bool is_fresh = ping->asked_us != 0 && clock_monotonic_us() - ping->asked_us < KEEP_MS * INT64_C(1000);
    bool ok =
        (is_fresh || gather(exchange, ping, &err)) && decode(exchange, &ping->answers, out_states, out_count, &err);
    pthread_mutex_unlock(&ping->lock);
    if (!ok)
        exchange_fail(exchange, &err);
    return ok;
}
