/* At start: waits for what we depend on, telling so, instead of dying and being restarted. */
#include "base/clock.h"
#include "service/service_internal.h"
#include "service/streams.h"
#include <stdio.h>
#include <string.h>

enum { RETRY_MS = 500 };

int service_schema_version(const struct service_program *program)
{
    int version = 0;
    for (const struct migration *migration = program->migrations; migration && migration->version > 0; migration++)
        version = migration->version;
    return version;
}

static void say_waiting(struct service *service, const char *what, const struct err *err)
{
    pthread_mutex_lock(&service->lock);
    snprintf(
        service->waiting_for, sizeof service->waiting_for, "%s%s%.199s", what, err ? ": " : "", err ? err->text : "");
    pthread_mutex_unlock(&service->lock);
}

static bool may_pass(const struct err *err)
{
    return err->kind == ERR_TRANSIENT || err->kind == ERR_DEADLINE;
}

bool connect_wait_for(
    struct service *service, const char *what, bool (*step)(struct service *, struct err *), struct err *err)
{
    int64_t until_us = clock_monotonic_us() + service->config->connect_wait_ms * 1000;
    bool was_told = false;
    say_waiting(service, what, NULL);
    while (!step(service, err)) {
        if (!may_pass(err) || clock_monotonic_us() > until_us)
            return err_wrap(err, "%s", what);
        if (!was_told)
            log_warn(NULL, "service.waiting", LOG_TEXT("for", what), LOG_ERR(err));
        was_told = true;
        say_waiting(service, what, err);
        bool goes_on = lifetime_wait(&service->lifetime, RETRY_MS);
        *err = (struct err){ 0 };
        if (!goes_on)
            return false;
    }
    if (was_told)
        log_info(NULL, "service.goes_on", LOG_TEXT("with", what));
    return lifetime_wait(&service->lifetime, 0);
}

static bool bus_step(struct service *service, struct err *err)
{
    const struct bus_config config = { .url = service->config->bus_url,
        .user = service->config->bus_user,
        .password = service->config->bus_password,
        .name = service->program->name };
    return bus_open(&service->bus, &config, err);
}

static bool streams_step(struct service *service, struct err *err)
{
    return streams_ensure(service->bus, err);
}

bool service_has_storage(void)
{
    return &service_storage != NULL;
}

bool service_needs_storage(struct err *err)
{
    return service_has_storage() || err_set(err, ERR_BUG, "a program with a schema calls service_store");
}

bool connect_all(struct service *service, struct err *err)
{
    const struct service_program *program = service->program;
    if (program->schema && (!service_needs_storage(err) || !service_storage.connect(service, err)))
        return false;
    if (program->uses_bus &&
        !(connect_wait_for(service, "bus", bus_step, err) && connect_wait_for(service, "streams", streams_step, err)))
        return false;
    say_waiting(service, "the program itself", NULL);
    return true;
}
