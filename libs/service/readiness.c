#include "service/service_internal.h"
#include <string.h>

bool readiness_tell(struct buffer *out, const char *name, bool ok, const char *why)
{
    buffer_printf(out, "[%c] %s%s%s\n", ok ? '+' : '-', name, ok ? "" : ": ", ok ? "" : why);
    return ok;
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
        ok = readiness_tell(out, checks[i].name, is_well, err.text) && ok;
    }
    return ok;
}

static bool ask_all(struct service *service, struct buffer *out)
{
    bool ok = !service_has_storage() || service_storage.ask(service, out);
    if (service->bus)
        ok = readiness_tell(out, "bus", bus_is_connected(service->bus), "not connected") && ok;
    return ask_own(service, out) && ok;
}

static bool say_waiting(struct service *service, struct buffer *out)
{
    pthread_mutex_lock(&service->lock);
    readiness_tell(out, "started: waiting for", false, service->waiting_for);
    pthread_mutex_unlock(&service->lock);
    return false;
}

/* A dependency that hangs holds up one caller; the others hear what was found last, so that /livez always has a thread.
 */
bool readiness_check(struct service *service, struct buffer *out)
{
    if (atomic_load(&service->is_draining))
        return readiness_tell(out, "not draining", false, "this process is stopping");
    if (!atomic_load(&service->has_started))
        return say_waiting(service, out);
    if (pthread_mutex_trylock(&service->checking) != 0) {
        bool was_ready = atomic_load(&service->was_ready);
        return readiness_tell(out, "last check", was_ready, "failed, and the next one is under way");
    }
    bool ok = ask_all(service, out);
    atomic_store(&service->was_ready, ok);
    pthread_mutex_unlock(&service->checking);
    return ok;
}
