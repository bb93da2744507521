/* PostgreSQL's part in the life of a process. Linked only into programs that call service_store: libpq brings Kerberos,
 * LDAP and GnuTLS with it, 4.6 MiB of a process that is to have 16 at most. */
#include "service/service_internal.h"

enum { POOL_WAIT_MS = 5000, USUAL_STATEMENT_MS = 10000 };

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

static bool storage_migrate(struct service *service, struct err *err)
{
    return connect_wait_for(service, "migration", migrate_step, err);
}

static bool storage_connect(struct service *service, struct err *err)
{
    const struct service_program *program = service->program;
    bool migrates = program->migrations && *service->config->store_owner_url;
    return (!migrates || storage_migrate(service, err)) && connect_wait_for(service, "database", store_step, err) &&
           (!program->migrations || connect_wait_for(service, "schema", schema_step, err));
}

/* ---- readiness ---- */
/* Newer than ours is fine: the next version of the program has migrated, and this one is still to serve. */
static bool schema_is_good(struct service *service, struct err *err)
{
    int wanted = service_schema_version(service->program), version = 0;
    if (!migrate_version(service->store, service->program->schema, &version, err))
        return false;
    return version >= wanted ||
           err_set(err, ERR_TRANSIENT, "schema %s is at %d, wanted is %d", service->program->schema, version, wanted);
}

static bool storage_ask(struct service *service, struct buffer *out)
{
    struct err err = { 0 };
    if (!service->store)
        return true;
    if (!readiness_tell(out, "database", store_ping(service->store, &err), err.text))
        return false;
    return !service->program->migrations || readiness_tell(out, "schema", schema_is_good(service, &err), err.text);
}

static void storage_close(struct service *service)
{
    store_close(TAKE(service->store));
}

const struct service_storage service_storage = {
    .migrate = storage_migrate, .connect = storage_connect, .ask = storage_ask, .close = storage_close
};

struct store *service_store(struct service *service)
{
    return service->store;
}
