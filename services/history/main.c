/* history: readings out: series, latest values, aggregates, statistics. The read half of the telemetry slice. See
 * README.md. */
#include "history.h"

static const struct service_program program = {
    .name = "history",
    .summary = "Readings out: series, latest values, aggregates and statistics.",
    .settings = history_settings,
    .schema = "telemetry",
    .uses_bus = true,
};

enum { CALL_ARENA_BYTES = 64 * 1024 * 1024 };

struct app {
    struct service *service;
    struct history_config config;
    struct history history;
    struct rpc_server *server;
};

static bool app_start(struct app *app, struct err *err)
{
    const struct directory_config directory = { .most_sensors = (size_t)app->config.directory_sensors,
        .most_credentials = 1000,
        .absent_ms = 2000,
        .keep_ms = 60000 };
    const struct rpc_server_config server = { .service = &nwims__v1__history__descriptor,
        .methods = history_methods,
        .context = &app->history,
        .workers = app->config.workers,
        .queue = app->config.queue,
        .arena_bytes = CALL_ARENA_BYTES };
    app->history.store = service_store(app->service);
    app->history.bus = service_bus(app->service);
    return directory_open(&app->history.directory, service_bus(app->service), &directory, err) &&
           rpc_server_open(&app->server, service_bus(app->service), &server, err);
}

int main(int argc, char **argv)
{
    struct app app = { 0 };
    struct err err = { 0 };
    bool ok = service_open(&app.service, &program, &app.config, argc, argv, &err) && app_start(&app, &err) &&
              service_run(app.service, &err);
    rpc_server_close(app.server);
    directory_close(app.history.directory);
    service_close(app.service);
    return service_exit(ok, &err);
}
