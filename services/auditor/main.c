/* auditor: keeps who did what, append-only and chained, and shows that nobody has changed it. See README.md. */
#include "auditor.h"
#include "recorder.h"
#include "sealer.h"

enum { MOST_RECORDERS = 16, REPLY_BYTES = 96 * 1024 * 1024 };

MIGRATION_DECLARE(0001_audit)
MIGRATION_DECLARE(0002_chains_apart)
static const struct migration migrations[] = { MIGRATION(1, 0001_audit), MIGRATION(2, 0002_chains_apart), { 0 } };

static const struct service_program program = {
    .name = "auditor",
    .summary = "Keeps who did what, append-only and chained.",
    .settings = auditor_settings,
    .schema = "audit",
    .migrations = migrations,
    .uses_bus = true,
};

struct app {
    struct service *service;
    struct auditor_config config;
    struct auditor auditor;
    struct recorder_shared shared;
    struct recorder *recorders[MOST_RECORDERS];
    struct sealer *sealer;
    struct rpc_server *server;
};

static bool start_recorders(struct app *app, struct err *err)
{
    app->shared.config = &app->config;
    app->shared.bus = service_bus(app->service);
    app->shared.store = app->auditor.store;
    app->shared.metrics = &app->auditor.metrics;
    for (int64_t i = 0; i < app->config.recorders; i++)
        if (!recorder_start(&app->recorders[i], &app->shared, err))
            return false;
    return true;
}

static bool app_start(struct app *app, struct err *err)
{
    struct auditor *auditor = &app->auditor;
    auditor->service = app->service;
    auditor->store = service_store(app->service);
    auditor->config = &app->config;
    auditor_metrics_init(&auditor->metrics);
    const struct rpc_server_config server = { .service = &nwims__v1__auditor__descriptor,
        .methods = auditor_methods,
        .context = auditor,
        .workers = app->config.workers,
        .queue = app->config.queue,
        .arena_bytes = REPLY_BYTES };
    if (app->config.service.store_pool < app->config.recorders + 2)
        return err_set(err, ERR_CONFIG, "DATABASE_POOL must hold RECORDERS and two more");
    if (!key_store_open(&auditor->keys, auditor->store, app->config.master_key, app->config.key_rotation_ms, err) ||
        !start_recorders(app, err))
        return false;
    const struct sealer_config sealer = {
        .store = auditor->store, .keys = auditor->keys, .metrics = &auditor->metrics, .seal_ms = app->config.seal_ms
    };
    return sealer_start(&app->sealer, &sealer, err) &&
           rpc_server_open(&app->server, service_bus(app->service), &server, err);
}

static void app_stop(struct app *app)
{
    rpc_server_close(app->server);
    atomic_store(&app->shared.is_stopping, true);
    for (size_t i = 0; i < COUNT_OF(app->recorders); i++)
        recorder_join(app->recorders[i]);
    sealer_stop(app->sealer);
    key_store_close(app->auditor.keys);
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
