#include "service/service_internal.h"
#include <string.h>

/* Adds a line for one check; true if it is well. */
static bool tell(struct buffer *out, const char *name, bool ok, const char *why)
{
    buffer_printf(out, "[%c] %s%s%s\n", ok ? '+' : '-', name, ok ? "" : ": ", ok ? "" : why);
    return ok;
}

/* Newer than ours is fine: the next version of the program has migrated, and this one is still to serve. */
static bool schema_is_good(struct service *service, struct err *err)
{
    int wanted = service_schema_version(service->program), version = 0;
    if (!migrate_version(service->store, service->program->schema, &version, err))
        return false;
    return version >= wanted ||
           err_set(err, ERR_TRANSIENT, "schema %s is at %d, wanted is %d", service->program->schema, version, wanted);
}

static bool ask_store(struct service *service, struct buffer *out)
{
    struct err err = { 0 };
    if (!tell(out, "database", store_ping(service->store, &err), err.text))
        return false;
    return !service->program->migrations || tell(out, "schema", schema_is_good(service, &err), err.text);
}

static bool ask_own(struct service *service, struct buffer *out)
{
    struct service_check checks[SERVICE_MOST_CHECKS];
    pthread_mutex_lock(&service->lock);
    size_t count = service->check_count;
    memcpy(checks, service->checks, sizeof checks);
    pthread_mutex_unlock(&service->lock);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        struct err err = { 0 };
        bool is_well = checks[i].check(checks[i].context, &err);
        ok = tell(out, checks[i].name, is_well, err.text) && ok;
    }
    return ok;
}

static bool ask_all(struct service *service, struct buffer *out)
{
    bool ok = !service->store || ask_store(service, out);
    if (service->bus)
        ok = tell(out, "bus", bus_is_connected(service->bus), "not connected") && ok;
    return ask_own(service, out) && ok;
}

static bool say_waiting(struct service *service, struct buffer *out)
{
    pthread_mutex_lock(&service->lock);
    tell(out, "started: waiting for", false, service->waiting_for);
    pthread_mutex_unlock(&service->lock);
    return false;
}

/* A dependency that hangs holds up one caller; the others hear what was found last, so that /livez always has a thread.
 */
bool readiness_check(struct service *service, struct buffer *out)
{
    if (atomic_load(&service->is_draining))
        return tell(out, "not draining", false, "this process is stopping");
    if (!atomic_load(&service->has_started))
        return say_waiting(service, out);
    if (pthread_mutex_trylock(&service->checking) != 0) {
        bool was_ready = atomic_load(&service->was_ready);
        return tell(out, "last check", was_ready, "failed, and the next one is under way");
    }
    bool ok = ask_all(service, out);
    atomic_store(&service->was_ready, ok);
    pthread_mutex_unlock(&service->checking);
    return ok;
}
