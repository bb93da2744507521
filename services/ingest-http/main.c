/* ingest-http: devices post their readings with their own token. See README.md. */
#include "ingest_http.h"
#include "service/audit_trail.h"

static const struct service_program program = {
    .name = "ingest-http",
    .summary = "Devices post readings over HTTP with their own token.",
    .settings = ingest_http_settings,
    .uses_bus = true,
};

/* A hundred thousand readings decoded, checked and laid out take about 30 MiB. */
enum { REQUEST_ARENA_BYTES = 64 * 1024 * 1024, MOST_EVENTS = 65536, EVENTS_MS = 2000 };

static bool app_start(struct app *app, struct err *err)
{
    struct bus *bus = app->bus = service_bus(app->service);
    const struct directory_config directory = { .most_sensors = (size_t)app->config.directory_sensors,
        .most_credentials = (size_t)app->config.directory_credentials,
        .absent_ms = 2000,
        .keep_ms = 60000 };
    const struct intake_config intake = { .oldest_at = INTAKE_DEVICES_OLDEST_AT,
        .future_ms = app->config.future_ms,
        .keep_future = true,
        .publish_ms = 5000 };
    const struct http_server_config server = { .address = app->config.http_address,
        .threads = app->config.http_threads,
        .request_ms = 30000,
        .keep_alive_ms = 30000,
        .arena_bytes = REQUEST_ARENA_BYTES,
        .proxies = app->config.proxy_address,
        .proxy_secret = app->config.proxy_secret };
    if (app->config.bodies_max_bytes < app->config.body_max_bytes)
        return err_set(
            err, ERR_CONFIG, "BODIES_MAX_BYTES is less than BODY_MAX_BYTES: no large body would ever be taken");
    body_budget_init(&app->bodies, (size_t)app->config.bodies_max_bytes);
    app->failures = failure_gate_new(app->config.failures_a_minute);
    app->repeats = repeat_memory_new();
    app->life_signs = life_signs_new();
    if (!app->failures || !app->repeats || !app->life_signs)
        return err_set(err, ERR_LIMIT, "no memory to start");
    return audit_trail_open(&app->trail, bus, "ingest-http", err) &&
           event_outlet_open(&app->events, bus, MOST_EVENTS, err) &&
           pending_open(&app->pending, bus, (size_t)app->config.directory_credentials, err) &&
           directory_open(&app->directory, bus, &directory, err) &&
           intake_open(&app->intake, bus, app->directory, &intake, err) &&
           http_server_open(&app->server, &server, device_handle, app, err);
}

static void app_stop(struct app *app)
{
    http_server_close(TAKE(app->server));
    pending_close(TAKE(app->pending));
    event_outlet_close(TAKE(app->events), EVENTS_MS);
    audit_trail_close(TAKE(app->trail));
    intake_close(TAKE(app->intake));
    directory_close(TAKE(app->directory));
    failure_gate_free(TAKE(app->failures));
    repeat_memory_free(TAKE(app->repeats));
    life_signs_free(TAKE(app->life_signs));
}

int main(int argc, char **argv)
{
    static struct app app;
    struct err err = { 0 };
    bool ok = service_open(&app.service, &program, &app.config, argc, argv, &err) && app_start(&app, &err) &&
              service_run(app.service, &err);
    app_stop(&app);
    service_close(app.service);
    return service_exit(ok, &err);
}
