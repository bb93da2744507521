#include "tenant_watch.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "nwims/v1/readings.pb-c.h"
#include "service/service.h"
#include "store/outbox.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 500, RETRY_MS = 1000, ACK_WAIT_MS = 30000, EVENT_ARENA_BYTES = 64 * 1024, PAYLOAD_CEILING = 4096 };

struct tenant_watch {
    struct registry *registry;
    struct bus *bus;
    struct bus_consumer *consumer;
    struct arena arena;
    pthread_t thread;
    atomic_bool must_stop;
};

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

static bool take(struct tenant_watch *watch, const Nwims__V1__EntityChanged *event, struct err *err)
{
    AUTO(store_session) session = NULL;
    const char *change = event->change ? event->change : "";
    bool is_suspended = strcmp(change, "suspended") == 0, is_new = false;
    if (event->tenant_id < 1 || !event->has_changed_at || (!is_suspended && strcmp(change, "resumed") != 0))
        return true; /* a new name, for example */
    if (!store_session_open(&session, watch->registry->store, err) || !store_begin(session, event->tenant_id, err) ||
        !keep_state(session, event, is_suspended, &is_new, err) || (is_new && !tell_on(session, event, err)) ||
        !store_commit(session, err))
        return false;
    service_outbox_wake(watch->registry->service);
    if (is_new)
        log_info(NULL, is_suspended ? "tenant.suspended" : "tenant.resumed", LOG_COUNT("tenant_id", event->tenant_id));
    return true;
}

/* Acknowledged after the commit; what can never be read is not asked for again. */
static void handle(struct tenant_watch *watch, const struct bus_message *message)
{
    struct err err = { 0 };
    ProtobufCMessage *event = NULL;
    arena_reset(&watch->arena);
    bool is_read = wire_decode(&event, &watch->arena, &nwims__v1__entity_changed__descriptor, bus_message_data(message),
        bus_message_size(message), &err);
    bool ok = is_read ? take(watch, (const Nwims__V1__EntityChanged *)event, &err) &&
                            bus_message_ack(watch->bus, message, &err)
                      : bus_message_term(watch->bus, message, &err);
    if (ok && is_read)
        return;
    log_warn(NULL, "tenant_watch.failed", LOG_TEXT("kind", err_kind_name(err.kind)), LOG_ERR(&err));
    if (is_read && !bus_message_nak(watch->bus, message, RETRY_MS, &err))
        log_debug(NULL, "nak.unsent", LOG_ERR(&err)); /* it comes again after ACK_WAIT_MS */
}

static void *run(void *argument)
{
    struct tenant_watch *watch = argument;
    while (!atomic_load(&watch->must_stop)) {
        AUTO(bus_message) message = NULL;
        struct err err = { 0 };
        if (!bus_consumer_next(watch->consumer, WAIT_MS, &message, &err)) {
            service_fail(watch->registry->service, &err); /* for good: be restarted */
            break;
        }
        if (message)
            handle(watch, message);
    }
    return NULL;
}

bool tenant_watch_start(struct tenant_watch **out_watch, struct registry *registry, struct err *err)
{
    const struct bus_consumer_config config = { .stream = "EVENTS",
        .durable = "registry-tenants",
        .filter = "events.*.tenant",
        .ack_wait_ms = ACK_WAIT_MS,
        .max_deliver = 1000, /* until PostgreSQL is back */
        .max_ack_pending = 64,
        .batch = 16 };
    struct tenant_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return err_set(err, ERR_LIMIT, "no memory to follow tenants");
    watch->registry = registry;
    watch->bus = service_bus(registry->service);
    arena_init(&watch->arena, EVENT_ARENA_BYTES);
    bool ok = bus_consumer_open(&watch->consumer, watch->bus, &config, err);
    if (ok && pthread_create(&watch->thread, NULL, run, watch) != 0)
        ok = err_set(err, ERR_LIMIT, "no thread to follow tenants");
    if (!ok) {
        bus_consumer_close(watch->consumer);
        arena_done(&watch->arena);
        free(watch);
        return false;
    }
    *out_watch = watch;
    return true;
}

void tenant_watch_stop(struct tenant_watch *watch)
{
    if (!watch)
        return;
    atomic_store(&watch->must_stop, true);
    pthread_join(watch->thread, NULL);
    bus_consumer_close(watch->consumer);
    arena_done(&watch->arena);
    free(watch);
}
