/* At start: waits for what we depend on, telling so, instead of dying and being restarted. */
#include "base/clock.h"
#include "service/service_internal.h"
#include "service/streams.h"
#include <stdio.h>
#include <string.h>

enum { RETRY_MS = 500, POOL_WAIT_MS = 5000, USUAL_STATEMENT_MS = 10000 };

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

/* Tries until it works, the failure is none that passes, CONNECT_WAIT_MS are over or a signal says stop: then err is
 * empty, for nothing went wrong. */
static bool wait_for(
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

static bool migrate_step(struct service *service, struct err *err)
{
    const struct store_config config = { .url = service->config->store_owner_url,
        .schema = service->program->schema,
        .name = service->program->name,
        .pool_size = 1,
        .wait_ms = POOL_WAIT_MS,
        .prepare = true };
    AUTO(store) owner = NULL;
    return store_open(&owner, &config, err) &&
           migrate_up(owner, service->program->schema, service->program->migrations, NWIMS_VERSION, err);
}

static bool store_step(struct service *service, struct err *err)
{
    const struct service_program *program = service->program;
    const struct store_config config = { .url = service->config->store_url,
        .schema = program->schema,
        .name = program->name,
        .pool_size = service->config->store_pool,
        .wait_ms = POOL_WAIT_MS,
        .statement_ms = program->statement_ms ? program->statement_ms : USUAL_STATEMENT_MS,
        .prepare = service->config->store_prepare };
    return store_open(&service->store, &config, err);
}

static bool schema_step(struct service *service, struct err *err)
{
    int version = 0, wanted = service_schema_version(service->program);
    if (!migrate_version(service->store, service->program->schema, &version, err))
        return false;
    return version >= wanted ||
           err_set(err, ERR_TRANSIENT, "version %d, wanted %d: run \"%s migrate\" or set DATABASE_OWNER_URL", version,
               wanted, service->program->name);
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

bool connect_and_migrate(struct service *service, struct err *err)
{
    return wait_for(service, "migration", migrate_step, err);
}

static bool connect_store(struct service *service, struct err *err)
{
    const struct service_program *program = service->program;
    bool migrates = program->migrations && *service->config->store_owner_url;
    return (!migrates || connect_and_migrate(service, err)) && wait_for(service, "database", store_step, err) &&
           (!program->migrations || wait_for(service, "schema", schema_step, err));
}

bool connect_all(struct service *service, struct err *err)
{
    const struct service_program *program = service->program;
    if (program->schema && !connect_store(service, err))
        return false;
    if (program->uses_bus &&
        !(wait_for(service, "bus", bus_step, err) && wait_for(service, "streams", streams_step, err)))
        return false;
    say_waiting(service, "the program itself", NULL);
    return true;
}
