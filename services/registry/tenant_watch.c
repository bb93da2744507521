#include "tenant_watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "nwims/v1/readings.pb-c.h"
#include "service/service.h"
#include "store/outbox.h"
#include "store/store.h"
#include <stdio.h>
#include <string.h>

enum { PAYLOAD_CEILING = 4096 };

/* Older news than what is known changes nothing: messages may come again, and out of order. */
static bool keep_state(struct store_session *session, const Nwims__V1__EntityChanged *event, bool is_suspended,
    bool *out_new, struct err *err)
{
    int64_t affected = 0;
    if (!store_run(session,
            "INSERT INTO tenant_state AS t (tenant_id, is_suspended, changed_at) VALUES ($1, $2, $3) ON CONFLICT "
            "(tenant_id) DO UPDATE SET is_suspended = EXCLUDED.is_suspended, changed_at = EXCLUDED.changed_at WHERE "
            "t.changed_at < EXCLUDED.changed_at",
            PARAMS(PARAM_INT(event->tenant_id), PARAM_BOOL(is_suspended), PARAM_TIME(event->changed_at)), &affected,
            err))
        return false;
    *out_new = affected > 0;
    return true;
}

static bool tell_on(struct store_session *session, const Nwims__V1__EntityChanged *event, struct err *err)
{
    Nwims__V1__EntityChanged told = NWIMS__V1__ENTITY_CHANGED__INIT;
    char subject[64], entity[] = "tenant_access";
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = PAYLOAD_CEILING };
    told.has_tenant_id = told.has_changed_at = true;
    told.tenant_id = event->tenant_id;
    told.changed_at = clock_now_us();
    told.entity = entity;
    told.change = event->change;
    snprintf(subject, sizeof subject, "events.%d.tenant_access", (int)event->tenant_id);
    return wire_encode(&payload, &told.base, err) &&
           outbox_put(session, subject, payload.data, payload.size, NULL, err);
}

static bool take_one(struct registry *registry, const Nwims__V1__EntityChanged *event, struct err *err)
{
    AUTO(store_session) session = NULL;
    const char *change = event->change ? event->change : "";
    bool is_suspended = strcmp(change, "suspended") == 0, is_new = false;
    if (event->tenant_id < 1 || !event->has_changed_at || (!is_suspended && strcmp(change, "resumed") != 0))
        return true; /* a new name, for example */
    if (!store_session_open(&session, registry->store, err) || !store_begin(session, event->tenant_id, err) ||
        !keep_state(session, event, is_suspended, &is_new, err) || (is_new && !tell_on(session, event, err)) ||
        !store_commit(session, err))
        return false;
    service_outbox_wake(registry->service);
    if (is_new)
        log_info(NULL, is_suspended ? "tenant.suspended" : "tenant.resumed", LOG_COUNT("tenant_id", event->tenant_id));
    return true;
}

static bool take(struct registry *registry, const ProtobufCMessage *const *events, size_t count, struct arena *arena,
    struct err *err)
{
    const Nwims__V1__EntityChanged *const *tenants = (const Nwims__V1__EntityChanged *const *)(const void *)events;
    (void)arena;
    for (size_t i = 0; i < count; i++)
        if (!take_one(registry, tenants[i], err))
            return false;
    return true;
}

bool tenant_watch_start(struct event_feed **out_feed, struct registry *registry, struct err *err)
{
    static const struct event_feed_config tenants = { .durable = "registry-tenants",
        .filter = "events.*.tenant",
        .type = &nwims__v1__entity_changed__descriptor,
        .take = take };
    return event_feed_start(out_feed, registry, &tenants, err);
}
