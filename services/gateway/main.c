#include "base/clock.h"
#include "base/time_text.h"
#include "documents.h"
#include "gateway.h"
#include "layers/layers.h"
#include "problem_kinds.h"
#include "route_list.h"
#include "service/audit_trail.h"
#include <string.h>

enum {
    TOKENS_KEPT = 10000,
    TOKENS_KEPT_BYTES = 24 * 1024 * 1024,
    REQUEST_ARENA_BYTES = 96 * 1024 * 1024,
    RATE_PLACES = 65536
};

static const struct service_program program = {
    .name = "gateway",
    .summary = "the REST API: a table of routes in front of the services that own the data",
    .settings = gateway_settings,
    .uses_bus = true,
};

static bool start_intake(struct app *app, struct err *err)
{
    const struct directory_config directory = { .most_sensors = (size_t)app->config.directory_sensors,
        .most_credentials = 1000,
        .absent_ms = 2000,
        .keep_ms = 60000 };
    struct intake_config intake = { .future_ms = app->config.future_ms, .keep_future = false, .publish_ms = 5000 };
    static const char oldest[] = "2000-01-01T00:00:00Z";
    if (!time_text_parse(oldest, strlen(oldest), &intake.oldest_at))
        return err_set(err, ERR_BUG, "the oldest time is none");
    return directory_open(&app->directory, app->bus, &directory, err) &&
           intake_open(&app->intake, app->bus, app->directory, &intake, err);
}

static bool start_quotas(struct app *app, struct err *err)
{
    const struct tenant_quota_config config = {
        .preset = { .per_second = (double)app->config.tenant_rate, .burst = (double)app->config.tenant_burst },
        .readings_a_day = app->config.tenant_readings,
        .replicas = app->config.replicas,
    };
    return tenant_quota_open(&app->quotas, app->bus, &config, err);
}

static bool start_live(struct app *app, struct err *err)
{
    const struct live_config config = { .most_watchers = (size_t)app->config.streams_max,
        .most_sensors = (size_t)app->config.stream_sensors };
    return live_open(&app->live, app->bus, &config, err);
}

static void on_revoked(void *context)
{
    struct app *app = context;
    api_keys_forget(app->api_keys);
}

static bool check_revocations(void *context, struct err *err)
{
    struct app *app = context;
    return revocations_are_known(app->revocations) ||
           err_set(err, ERR_TRANSIENT, "which tokens were revoked is not known yet: is identity away?");
}

/* Who is asking, and whether they still may. */
static bool start_access(struct app *app, struct err *err)
{
    return key_ring_open(&app->keys, app->bus, err) && api_keys_open(&app->api_keys, app->bus, err) &&
           revocations_open(&app->revocations, app->bus, on_revoked, app, err) &&
           service_add_check(app->service, "revocations", check_revocations, app, err);
}

static bool start_cache(struct app *app, struct err *err)
{
    const struct cache_config cache = { .bus = app->bus,
        .service = "gateway",
        .redis = { .address = app->config.redis_address,
            .user = app->config.redis_user,
            .password = app->config.redis_password,
            .time_ms = app->config.redis_ms,
            .connections = app->config.redis_connections },
        .memory_bytes = app->config.cache_memory_bytes };
    return cache_open(&app->cache, &cache, err);
}

static bool app_start(struct app *app, struct err *err)
{
    const struct http_server_config server = { .address = app->config.http_address,
        .threads = app->config.http_threads,
        .request_ms = 30000,
        .keep_alive_ms = 30000,
        .arena_bytes = REQUEST_ARENA_BYTES,
        .proxies = app->config.proxy_address,
        .proxy_secret = app->config.proxy_secret };
    app->bus = service_bus(app->service);
    body_budget_init(&app->bodies, (size_t)app->config.bodies_max_bytes);
    app->tokens = token_cache_new(TOKENS_KEPT, TOKENS_KEPT_BYTES);
    app->rates = rate_limit_new(RATE_PLACES);
    if (!app->tokens || !app->rates)
        return err_set(err, ERR_LIMIT, "no memory for the caches of tokens and rates");
    limit_metrics_init(app);
    system_ping_init(&app->ping);
    problem_kinds_write_page(&app->problems);
    return documents_write_openapi(&app->openapi, err) && gateway_build(app, err) &&
           audit_trail_open(&app->trail, app->bus, "gateway", err) && start_access(app, err) &&
           start_quotas(app, err) && start_live(app, err) && start_intake(app, err) && start_cache(app, err) &&
           http_server_open(&app->server, &server, gateway_handle, app, err);
}

/* Streams have no end of their own: they see that we are going and say so. */
static void end_streams(struct app *app)
{
    if (!app->server || !app->live)
        return;
    http_server_drain(app->server);
    for (int i = 0; i < 250 && live_watchers(app->live) > 0; i++)
        clock_sleep_ms(20);
}

static void app_stop(struct app *app)
{
    end_streams(app);
    http_server_close(TAKE(app->server));
    cache_close(TAKE(app->cache));
    audit_trail_close(TAKE(app->trail));
    live_close(TAKE(app->live));
    intake_close(TAKE(app->intake));
    directory_close(TAKE(app->directory));
    revocations_close(TAKE(app->revocations));
    api_keys_close(TAKE(app->api_keys));
    key_ring_close(TAKE(app->keys));
    token_cache_free(TAKE(app->tokens));
    tenant_quota_close(TAKE(app->quotas));
    rate_limit_free(TAKE(app->rates));
    gateway_forget(app);
    system_ping_done(&app->ping);
    buffer_done(&app->openapi);
    buffer_done(&app->problems);
}

int main(int argc, char **argv)
{
    static struct app app;
    struct err err = { 0 };
    if (route_list_asked(argc, argv))
        return 0;
    bool ok = service_open(&app.service, &program, &app.config, argc, argv, &err) && app_start(&app, &err) &&
              service_run(app.service, &err);
    app_stop(&app);
    service_close(app.service);
    return service_exit(ok, &err);
}
