/* registry: municipalities, zones, devices with their credentials, sensors, assets and pipe networks. See README.md. */
#include "auth/auth.h"
#include "bulk.h"
#include "device_watch.h"
#include "nwims/v1/assets.pb-c.h"
#include "nwims/v1/bulk.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "registry.h"
#include "replay.h"
#include "tenant_watch.h"
#include <string.h>

MIGRATION_DECLARE(0001_registry)
MIGRATION_DECLARE(0002_idempotency)
MIGRATION_DECLARE(0003_places)
MIGRATION_DECLARE(0004_credentials)
MIGRATION_DECLARE(0005_names)
MIGRATION_DECLARE(0006_thresholds)
MIGRATION_DECLARE(0007_assets)
MIGRATION_DECLARE(0008_jobs)
MIGRATION_DECLARE(0009_device_state)
MIGRATION_DECLARE(0010_device_configuration)
MIGRATION_DECLARE(0011_payload_profiles)
MIGRATION_DECLARE(0012_households)
MIGRATION_DECLARE(0013_device_gaps)
MIGRATION_DECLARE(0014_refusals)
MIGRATION_DECLARE(0015_device_keys)
MIGRATION_DECLARE(0016_import_tokens)
static const struct migration migrations[] = { MIGRATION(1, 0001_registry), MIGRATION(2, 0002_idempotency),
    MIGRATION(3, 0003_places), MIGRATION(4, 0004_credentials), MIGRATION(5, 0005_names), MIGRATION(6, 0006_thresholds),
    MIGRATION(7, 0007_assets), MIGRATION(8, 0008_jobs), MIGRATION(9, 0009_device_state),
    MIGRATION(10, 0010_device_configuration), MIGRATION(11, 0011_payload_profiles), MIGRATION(12, 0012_households),
    MIGRATION(13, 0013_device_gaps), MIGRATION(14, 0014_refusals), MIGRATION(15, 0015_device_keys),
    MIGRATION(16, 0016_import_tokens), { 0 } };

static const struct service_program program = {
    .name = "registry",
    .summary = "Municipalities, zones, devices with their credentials, sensors, assets and pipe networks.",
    .settings = registry_settings,
    .schema = "registry",
    .migrations = migrations,
    .uses_bus = true,
};

/* A hundred thousand items of a call. */
enum { BULK_ARENA_BYTES = 96 * 1024 * 1024 };

struct app {
    struct service *service;
    struct registry_config config;
    struct registry registry;
    struct rpc_server *server, *assets, *bulk;
    struct event_feed *tenants;
    struct device_watch *devices;
    unsigned char master_key[MASTER_KEY_SIZE];
};

/* Wiped from the configuration: from now on there is one copy. */
static bool read_master_key(struct app *app, struct err *err)
{
    if (!*app->config.master_key)
        return true;
    if (!master_key_parse(app->master_key, app->config.master_key, err))
        return err_wrap(err, "MASTER_KEY");
    explicit_bzero(app->config.master_key, sizeof app->config.master_key);
    app->registry.master_key = app->master_key;
    return true;
}

static bool app_start(struct app *app, struct err *err)
{
    app->registry = (struct registry){ .service = app->service,
        .store = service_store(app->service),
        .refusals_most = app->config.refusals_most,
        .refusals_days = app->config.refusals_days };
    const struct rpc_server_config server = { .service = &nwims__v1__registry__descriptor,
        .methods = registry_methods,
        .context = &app->registry,
        .workers = app->config.workers,
        .queue = app->config.queue };
    /* Workers of its own: an import takes seconds, and nobody's readings wait for it. */
    const struct rpc_server_config assets = { .service = &nwims__v1__assets__descriptor,
        .methods = assets_methods,
        .context = &app->registry,
        .workers = app->config.workers < 2 ? app->config.workers : 2,
        .queue = app->config.queue };
    const struct rpc_server_config bulk = { .service = &nwims__v1__registry_bulk__descriptor,
        .methods = bulk_methods,
        .context = &app->registry,
        .workers = 2,
        .queue = app->config.queue,
        .arena_bytes = BULK_ARENA_BYTES };
    const struct job_runner_config jobs = { .store = app->registry.store,
        .kinds = registry_jobs,
        .context = &app->registry,
        .lease_ms = app->config.job_lease_ms };
    return read_master_key(app, err) && service_relay_outbox(app->service, err) &&
           tenant_watch_start(&app->tenants, &app->registry, err) &&
           device_watch_start(&app->devices, &app->registry, err) &&
           replay_desk_open(&app->registry.desk, service_bus(app->service), err) &&
           rpc_server_open(&app->server, service_bus(app->service), &server, err) &&
           rpc_server_open(&app->assets, service_bus(app->service), &assets, err) &&
           job_runner_start(&app->registry.jobs, &jobs, err) &&
           rpc_server_open(&app->bulk, service_bus(app->service), &bulk, err);
}

static void app_stop(struct app *app)
{
    rpc_server_close(app->bulk);
    job_runner_stop(app->registry.jobs);
    rpc_server_close(app->assets);
    rpc_server_close(app->server);
    replay_desk_close(app->registry.desk);
    device_watch_stop(app->devices);
    event_feed_stop(app->tenants);
    explicit_bzero(app->master_key, sizeof app->master_key);
}

int main(int argc, char **argv)
{
    struct app app = { 0 };
    struct err err = { 0 };
    bool ok = service_open(&app.service, &program, &app.config, argc, argv, &err) && app_start(&app, &err) &&
              service_run(app.service, &err);
    app_stop(&app);
    service_close(app.service);
    return service_exit(ok, &err);
}
