#include "work.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "nwims/v1/readings.pb-c.h"
#include "service/audit.h"
#include "service/idempotency.h"
#include "store/outbox.h"
#include <stdio.h>
#include <string.h>

enum { EVENT_CEILING = 4096, EVENT_SUBJECT_SIZE = 64 };

/* Which municipalities lie in the scope, and which regions these are in. */
static bool find_places(struct work *work, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    const struct scope *scope = &work->scope;
    if (!store_query(work->session, &rows,
            "SELECT id, region_id FROM municipality WHERE tenant_id = $1 AND (id = ANY($2::text[]::uuid[]) OR "
            "region_id = ANY($3::text[]::uuid[]))",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXTS(scope->municipalities, scope->municipality_count),
                PARAM_TEXTS(scope->regions, scope->region_count)),
            err))
        return err_wrap(err, "finding what the caller's permission is for");
    size_t count = store_result_rows(rows);
    work->places = arena_alloc_array(arena, count + 1, sizeof *work->places);
    work->regions = arena_alloc_array(arena, count + scope->region_count + 1, sizeof *work->regions);
    if (!work->places || !work->regions)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (size_t i = 0; i < scope->region_count; i++)
        work->regions[work->region_count++] = scope->regions[i];
    for (size_t i = 0; i < count; i++) {
        const char *region = store_result_copy(rows, i, 1, arena);
        if (!(work->places[work->place_count++] = store_result_copy(rows, i, 0, arena)))
            return err_set(err, ERR_LIMIT, "no memory left for this call");
        if (region)
            work->regions[work->region_count++] = region;
    }
    return true;
}

bool work_begin(struct work *work, struct registry *registry, struct rpc_call *call, const char *plural,
    const char *verb, struct err *err)
{
    char permission[64];
    snprintf(permission, sizeof permission, "%s:%s", plural, verb);
    /* The gateway has asked too, but the owner of the data does not take its word. */
    if (!permission_granted(call->caller->permissions, permission))
        return err_set(err, ERR_DENIED, "this needs the permission %s", permission);
    if (call->caller->tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    work->registry = registry;
    work->call = call;
    work->tenant_id = call->caller->tenant_id;
    if (!scope_read(&work->scope, call->caller->scope, call->arena, err) ||
        !store_session_open(&work->session, registry->store, err) || !store_begin(work->session, work->tenant_id, err))
        return false;
    if (!work->scope.is_whole && !find_places(work, err))
        return false;
    return strcmp(verb, "read") == 0 || idempotency_begin(work->session, call, err);
}

bool work_needs_whole_tenant(const struct work *work, struct err *err)
{
    return work->scope.is_whole ||
           err_set(err, ERR_DENIED, "this needs the permission for the whole tenant, not for a part of it");
}

/* The message borrows its texts and lives only until it is encoded. */
static void *borrow(const void *text)
{
    return (void *)(uintptr_t)text;
}

static bool encode_event(
    const struct work *work, const struct change *change, struct buffer *out_payload, struct err *err)
{
    Nwims__V1__EntityChanged event = NWIMS__V1__ENTITY_CHANGED__INIT;
    event.has_tenant_id = event.has_changed_at = true;
    event.tenant_id = work->tenant_id;
    event.changed_at = clock_now_us();
    event.entity = borrow(change->noun);
    event.id = borrow(change->id);
    event.change = borrow(change->change);
    event.code = borrow(change->code);
    event.has_verifier = change->verifier != NULL;
    event.has_has_moved = event.has_moved = change->has_moved;
    if (change->verifier)
        event.verifier = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = borrow(change->verifier) };
    return wire_encode(out_payload, &event.base, err);
}

static void event_subject(char subject[EVENT_SUBJECT_SIZE], const struct work *work, const char *noun)
{
    snprintf(subject, EVENT_SUBJECT_SIZE, "events.%d.%s", (int)work->tenant_id, noun);
}

static bool put_event(struct work *work, const struct change *change, struct err *err)
{
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = EVENT_CEILING };
    char subject[EVENT_SUBJECT_SIZE], traceparent[TRACEPARENT_SIZE];
    event_subject(subject, work, change->noun);
    trace_format(traceparent, &work->call->caller->trace);
    return encode_event(work, change, &payload, err) &&
           outbox_put(work->session, subject, payload.data, payload.size, traceparent, err);
}

bool work_tell_all(struct work *work, const struct change *changes, size_t count, struct err *err)
{
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = EVENT_CEILING };
    char subject[EVENT_SUBJECT_SIZE], traceparent[TRACEPARENT_SIZE];
    struct arena *arena = work->call->arena;
    struct outbox_payload *payloads = arena_alloc_array(arena, count + 1, sizeof *payloads);
    for (size_t i = 0; payloads && i < count; i++) {
        buffer_reset(&payload);
        if (!encode_event(work, &changes[i], &payload, err))
            return false;
        void *bytes = arena_alloc(arena, payload.size + 1);
        if (!bytes)
            return err_set(err, ERR_LIMIT, "no memory left for what is to be told");
        memcpy(bytes, payload.data, payload.size);
        payloads[i] = (struct outbox_payload){ bytes, payload.size };
    }
    if (!payloads)
        return err_set(err, ERR_LIMIT, "no memory left for what is to be told");
    if (count == 0)
        return true;
    event_subject(subject, work, changes[0].noun);
    trace_format(traceparent, &work->call->caller->trace);
    return outbox_put_all(work->session, subject, payloads, count, traceparent, arena, err);
}

static bool put_audit(struct work *work, const struct change *change, struct err *err)
{
    AUTO_INPLACE(buffer) fields = { .ceiling_bytes = EVENT_CEILING };
    char action[64];
    bool is_deleted = strcmp(change->change, "deleted") == 0;
    snprintf(action, sizeof action, "%s.%s", change->noun, change->change);
    if (!change->detail && !is_deleted)
        audit_put_fields(&fields, work->call->request);
    if (!buffer_ok(&fields))
        return err_set(err, ERR_LIMIT, "too many fields were changed at once");
    const struct audit_event event = { .action = action,
        .entity = change->noun,
        .entity_id = change->id,
        .detail = change->detail ? change->detail : fields.data };
    return audit_put(work->session, work->call->caller, &event, err);
}

bool work_announce(struct work *work, const struct change *change, struct err *err)
{
    return put_event(work, change, err) && (change->is_told || put_audit(work, change, err));
}

/* Statistics do not see rows that are not committed yet, and a connection keeps a foreign key's plan for good: the plan
 * itself must not depend on how small the table was. The setting ends with the transaction, the plans stay. */
bool work_expect_many(struct work *work, struct err *err)
{
    return store_script(work->session, "SET LOCAL enable_seqscan = off; DISCARD PLANS", err);
}

bool work_commit(struct work *work, struct err *err)
{
    if (!idempotency_keep(work->session, work->call, work->has_secret, err) || !store_commit(work->session, err))
        return false;
    service_outbox_wake(work->registry->service);
    return true;
}

void work_done(struct work *work)
{
    store_session_close(work->session);
    work->session = NULL;
}
