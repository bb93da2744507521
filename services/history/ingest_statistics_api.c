/* What came in: how much was stored stands here, what was refused and who was there the registry knows. */
#include "base/clock.h"
#include "ingest_statistics_store.h"
#include "nwims/v1/registry.pb-c.h"
#include <string.h>

#define USUAL_RANGE_US (7 * HISTORY_DAY_US)
enum { ASK_MS = 5000 };

static Nwims__V1__IngestProtocol *entry_of(
    Nwims__V1__IngestStatistics *reply, const char *protocol, struct arena *arena)
{
    for (size_t i = 0; i < reply->n_protocols; i++)
        if (strcmp(reply->protocols[i]->protocol, protocol) == 0)
            return reply->protocols[i];
    Nwims__V1__IngestProtocol *entry =
        (Nwims__V1__IngestProtocol *)wire_new(arena, &nwims__v1__ingest_protocol__descriptor);
    if (!entry)
        return NULL;
    entry->protocol = wire_constant(protocol);
    entry->has_stored = entry->has_duplicate = entry->has_refused = true;
    entry->has_rate_1m = entry->has_rate_5m = entry->has_rate_60m = true;
    return reply->protocols[reply->n_protocols++] = entry;
}

static bool add_refusals(Nwims__V1__IngestProtocol *entry, const Nwims__V1__ProtocolRefusals *from, struct arena *arena)
{
    Nwims__V1__IngestRefusal *refusals = arena_alloc_array(arena, from->n_refusals, sizeof *refusals);
    entry->refusals = arena_alloc_array(arena, from->n_refusals, sizeof *entry->refusals);
    for (size_t i = 0; refusals && entry->refusals && i < from->n_refusals; i++) {
        nwims__v1__ingest_refusal__init(&refusals[i]);
        refusals[i].reason = from->refusals[i]->reason;
        refusals[i].has_readings = true;
        refusals[i].readings = from->refusals[i]->readings;
        entry->refused += refusals[i].readings;
        entry->refusals[entry->n_refusals++] = &refusals[i];
    }
    return refusals && entry->refusals;
}

static bool add_counts(
    Nwims__V1__IngestStatistics *reply, const Nwims__V1__RefusalCounts *counts, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < counts->n_protocols; i++) {
        const Nwims__V1__ProtocolRefusals *from = counts->protocols[i];
        Nwims__V1__IngestProtocol *entry = entry_of(reply, from->protocol, arena);
        if (!entry || !add_refusals(entry, from, arena))
            return err_set(err, ERR_LIMIT, "no memory left for this call");
        entry->has_devices_seen = from->has_devices_seen;
        entry->devices_seen = from->devices_seen;
        if (from->last_seen_at > entry->last_seen_at)
            entry->last_seen_at = from->last_seen_at;
        entry->has_last_seen_at = entry->last_seen_at > 0;
        reply->refused += entry->refused;
    }
    reply->has_refused = true;
    return true;
}

bool ingest_statistics_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__IngestStatisticsRequest *request = input;
    Nwims__V1__RefusalCountsRequest refused = NWIMS__V1__REFUSAL_COUNTS_REQUEST__INIT;
    struct history *history = context;
    ProtobufCMessage *counts = NULL;
    AUTO(store_session) session = NULL;
    int64_t now_us = clock_now_us();
    int64_t to_us = request->has_to_at ? history_time(request->to_at) : now_us;
    int64_t from_us = request->has_from_at ? history_time(request->from_at) : to_us - USUAL_RANGE_US;
    if (from_us > to_us)
        return rpc_violation(call, err, "from_at", "must be before to_at");
    if (!history_begin(history, call, &session, err) ||
        !ingest_statistics_store_days(session, call, from_us, to_us, output, err))
        return false;
    if (request->is_brief)
        return store_commit(session, err);
    refused.has_from_at = refused.has_to_at = true;
    refused.from_at = from_us;
    refused.to_at = to_us;
    if (!rpc_call(history->bus, &nwims__v1__registry__descriptor, "CountRefusals", call->caller, &refused.base, ASK_MS,
            call->arena, &counts, NULL, err))
        return err_wrap(err, "counting what was refused");
    const Nwims__V1__RefusalCounts *found = (const Nwims__V1__RefusalCounts *)counts;
    return ingest_statistics_store_protocols(session, call, from_us, to_us, now_us, found->n_protocols, output, err) &&
           add_counts(output, found, call->arena, err) && store_commit(session, err);
}
