#include "warmer_api.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "nwims/v1/warmer.pb-c.h"
#include "service/audit.h"
#include "transcode/transcode.h"
#include "warmer.h"

/* The answer has to come before the caller stops waiting. */
enum { ANSWER_EARLIER_US = 1000000, AUDIT_MS = 500, ARENA_BYTES = 256 * 1024 };

static bool read_subjects(
    struct rpc_call *call, const Nwims__V1__WarmCacheRequest *request, unsigned *out_subjects, struct err *err)
{
    *out_subjects = request->n_subjects == 0 ? WARM_EVERYTHING : 0;
    for (size_t i = 0; i < request->n_subjects; i++) {
        enum warm_subject subject;
        if (!warm_subject_parse(request->subjects[i], &subject))
            return rpc_violation(call, err, "subjects", "names something that is not warmed");
        *out_subjects |= 1u << subject;
    }
    return true;
}

static bool add_result(struct rpc_call *call, Nwims__V1__WarmCacheReply *reply, enum warm_subject subject,
    const struct fill_result *result)
{
    Nwims__V1__WarmedSubject *warmed =
        (Nwims__V1__WarmedSubject *)wire_new(call->arena, &nwims__v1__warmed_subject__descriptor);
    if (!warmed)
        return false;
    warmed->subject = wire_constant(warm_subject_name(subject));
    warmed->has_keys = warmed->has_took_ms = warmed->has_is_complete = true;
    warmed->keys = result->keys;
    warmed->took_ms = result->took_ms;
    warmed->is_complete = result->is_complete;
    warmed->reason = wire_constant(result->reason);
    reply->subjects[reply->n_subjects++] = warmed;
    reply->keys += result->keys;
    reply->took_ms += result->took_ms;
    return true;
}

/* Nothing was changed that a record could be missing for: what cannot be recorded is logged. */
static void record(struct bus *bus, const struct rpc_call *call, const Nwims__V1__WarmCacheReply *reply)
{
    AUTO_INPLACE(buffer) detail = { .ceiling_bytes = 4096 };
    struct err err = { 0 };
    bool ok = transcode_to_json(&detail, &reply->base, &err) && buffer_ok(&detail);
    const struct audit_event event = { .action = "cache.warmed", .entity = "cache", .detail = ok ? detail.data : NULL };
    if (!audit_publish(bus, call->caller, &event, AUDIT_MS, &err))
        log_warn(&call->scope, "audit.lost", LOG_ERR(&err));
}

static bool warm(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    Nwims__V1__WarmCacheReply *reply = output;
    const struct fill_limits limits = { .deadline_us = call->deadline_us - ANSWER_EARLIER_US };
    struct fill_result results[WARM_SUBJECT_COUNT] = { 0 };
    unsigned subjects;
    if (call->caller->tenant_id <= 0 || !permission_granted(call->caller->permissions, "cache:write"))
        return err_set(err, ERR_DENIED, "this needs a tenant and the permission cache:write");
    reply->subjects = arena_alloc(call->arena, WARM_SUBJECT_COUNT * sizeof *reply->subjects);
    if (!reply->subjects)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    if (!read_subjects(call, input, &subjects, err) ||
        !warmer_warm(context, call->caller->tenant_id, subjects, &limits, results, err))
        return false;
    reply->has_keys = reply->has_took_ms = true;
    for (enum warm_subject subject = 0; subject < WARM_SUBJECT_COUNT; subject++)
        if (subjects & (1u << subject) && !add_result(call, reply, subject, &results[subject]))
            return err_set(err, ERR_LIMIT, "no memory left for this call");
    record(warmer_bus(context), call, reply);
    return true;
}

bool warmer_api_open(struct rpc_server **out_server, struct bus *bus, struct warmer *warmer, struct err *err)
{
    static const struct rpc_method methods[] = { { "WarmCache", warm }, { 0 } };
    const struct rpc_server_config config = { .service = &nwims__v1__cache_warmer__descriptor,
        .methods = methods,
        .context = warmer,
        .workers = 2,
        .queue = 16,
        .arena_bytes = ARENA_BYTES };
    return rpc_server_open(out_server, bus, &config, err);
}
