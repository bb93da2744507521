#include "ingest/refusal.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "ingest/provenance.h"
#include "metrics/metrics.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The sender waits for its answer meanwhile, and a refusal that is not kept is only counted. */
enum { KEEP_MS = 1000, MOST_RAW_BYTES = 64 * 1024, REFUSED_ENVELOPE_BYTES = 16 * 1024 };

static const struct {
    const char *name;
    const char *label;
} reasons[REFUSAL_REASONS] = {
    [REFUSAL_UNKNOWN_SENSOR] = { "unknown_sensor", "reason=\"unknown_sensor\"" },
    [REFUSAL_DISABLED_SENSOR] = { "disabled_sensor", "reason=\"disabled_sensor\"" },
    [REFUSAL_FOREIGN_SENSOR] = { "foreign_sensor", "reason=\"foreign_sensor\"" },
    [REFUSAL_UNKNOWN_UNIT] = { "unknown_unit", "reason=\"unknown_unit\"" },
    [REFUSAL_BAD_VALUE] = { "bad_value", "reason=\"bad_value\"" },
    [REFUSAL_BAD_TIME] = { "bad_time", "reason=\"bad_time\"" },
    [REFUSAL_MALFORMED] = { "malformed", "reason=\"malformed\"" },
};

const char *refusal_reason_name(enum refusal_reason reason)
{
    return reasons[reason].name;
}

bool refusals_init(struct refusals *refusals, struct arena *arena, size_t reading_count, struct err *err)
{
    size_t most = reading_count < INTAKE_MOST_FAULTS ? reading_count : INTAKE_MOST_FAULTS;
    *refusals = (struct refusals){ .arena = arena };
    refusals->faults = arena_alloc_array(arena, most, sizeof *refusals->faults);
    return refusals->faults ||
           err_set(err, ERR_LIMIT, "%zu readings do not fit into the memory of one request", reading_count);
}

void refusals_add(
    struct refusals *refusals, size_t index, enum refusal_reason reason, const char *field, const char *format, ...)
{
    char text[200];
    const char *detail = reasons[reason].name;
    refusals->total++;
    refusals->by_reason[reason]++;
    if (refusals->fault_count == INTAKE_MOST_FAULTS && refusals->first_detail[reason])
        return;
    va_list values;
    va_start(values, format);
    if (vsnprintf(text, sizeof text, format, values) >= 0) {
        const char *kept = arena_text(refusals->arena, text);
        detail = kept ? kept : detail;
    }
    va_end(values);
    if (!refusals->first_detail[reason])
        refusals->first_detail[reason] = detail;
    if (refusals->fault_count < INTAKE_MOST_FAULTS)
        refusals->faults[refusals->fault_count++] = (struct intake_fault){
            .index = index, .field = field ? field : "reading", .reason_code = reasons[reason].name, .detail = detail
        };
}

void refusal_sink_init(struct refusal_sink *sink, struct bus *bus)
{
    static const char name[] = "nwims_ingest_refused_total",
                      help[] = "Readings refused, by reason; batch: good ones beside a bad one";
    sink->bus = bus;
    for (enum refusal_reason reason = 0; reason < REFUSAL_REASONS; reason++)
        sink->refused[reason] = metrics_counter(name, reasons[reason].label, help);
    sink->beside = metrics_counter(name, "reason=\"batch\"", help);
    sink->unkept =
        metrics_counter("nwims_ingest_refusals_unkept_total", NULL, "Refusals that REFUSED did not take: full or away");
}

static bool publish(
    struct refusal_sink *sink, const struct intake_request *request, const Nwims__V1__Refused *refused, struct err *err)
{
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = MOST_RAW_BYTES + REFUSED_ENVELOPE_BYTES };
    char subject[64], traceparent[TRACEPARENT_SIZE];
    struct trace child;
    snprintf(subject, sizeof subject, "refused.%" PRId32 ".%s", request->caller->tenant_id, refused->reason);
    trace_child(&child, &request->caller->trace);
    trace_format(traceparent, &child);
    const struct bus_header headers[] = { { "traceparent", traceparent } };
    if (!wire_encode(&body, &refused->base, err))
        return false;
    const struct bus_outgoing message = {
        .subject = subject, .data = body.data, .size = body.size, .headers = headers, .header_count = 1
    };
    return bus_publish(sink->bus, &message, refused->id, KEEP_MS, NULL, err);
}

/* Header fields may hold any byte; protobuf texts are UTF-8. */
static char *as_text(const char *text)
{
    return text && text_is_utf8(text, strlen(text)) ? (char *)(uintptr_t)text : NULL;
}

void refusal_sink_keep(struct refusal_sink *sink, const struct intake_request *request, const char *codec,
    enum refusal_reason reason, const char *detail, int64_t readings)
{
    Nwims__V1__Refused refused = NWIMS__V1__REFUSED__INIT;
    Nwims__V1__Provenance provenance;
    struct uuid uuid = uuid_new();
    char id[UUID_TEXT_SIZE];
    struct err err = { 0 };
    provenance_fill(&provenance, request, codec);
    uuid_format(id, &uuid);
    refused.id = id;
    refused.has_tenant_id = refused.has_received_at = true;
    refused.tenant_id = request->caller->tenant_id;
    refused.received_at = request->received_at;
    refused.reason = as_text(reasons[reason].name);
    refused.detail = as_text(detail);
    refused.provenance = &provenance;
    refused.content_type = as_text(request->content_type);
    refused.has_raw = request->body != NULL;
    refused.raw.data = (uint8_t *)(uintptr_t)request->body;
    refused.raw.len = request->body_size < MOST_RAW_BYTES ? request->body_size : MOST_RAW_BYTES;
    refused.has_size = refused.has_raw;
    refused.size = (int64_t)request->body_size;
    refused.has_readings = readings > 0;
    refused.readings = readings;
    if (publish(sink, request, &refused, &err))
        return;
    metric_add(sink->unkept, 1);
    log_debug(NULL, "refusal.unkept", LOG_TEXT("reason", reasons[reason].name), LOG_ERR(&err));
}

static enum refusal_reason most_frequent(const struct refusals *refusals)
{
    enum refusal_reason most = 0;
    for (enum refusal_reason reason = 1; reason < REFUSAL_REASONS; reason++)
        if (refusals->by_reason[reason] > refusals->by_reason[most])
            most = reason;
    return most;
}

void refusal_sink_take(struct refusal_sink *sink, const struct intake_request *request, const char *codec,
    int64_t received, const struct refusals *refusals)
{
    for (enum refusal_reason reason = 0; reason < REFUSAL_REASONS; reason++)
        metric_add(sink->refused[reason], (uint64_t)refusals->by_reason[reason]);
    if (request->mode == INTAKE_ALL_OR_NOTHING) {
        enum refusal_reason reason = most_frequent(refusals);
        metric_add(sink->beside, (uint64_t)(received - refusals->total));
        refusal_sink_keep(sink, request, codec, reason, refusals->first_detail[reason], received);
        return;
    }
    for (enum refusal_reason reason = 0; reason < REFUSAL_REASONS; reason++)
        if (refusals->by_reason[reason] > 0)
            refusal_sink_keep(
                sink, request, codec, reason, refusals->first_detail[reason], refusals->by_reason[reason]);
}
