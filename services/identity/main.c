/* identity: tenants, users, logins and the keys that sign access tokens. See README.md. */
#include "identity.h"
#include "keeper.h"
#include <string.h>

MIGRATION_DECLARE(0001_identity)
MIGRATION_DECLARE(0002_access)
MIGRATION_DECLARE(0003_idempotency)
static const struct migration migrations[] = { MIGRATION(1, 0001_identity), MIGRATION(2, 0002_access),
    MIGRATION(3, 0003_idempotency), { 0 } };

static const struct service_program program = {
    .name = "identity",
    .summary = "Tenants, users, logins and the keys that sign access tokens.",
    .settings = identity_settings,
    .schema = "identity",
    .migrations = migrations,
    .uses_bus = true,
};

struct app {
    struct service *service;
    struct identity_config config;
    struct identity identity;
    struct bus_subscription *rotations;
    struct rpc_server *server;
};

/* Another replica has rotated the keys. */
static void on_rotation_take(void *context, struct bus_message *message)
{
    struct identity *identity = context;
    bus_message_close(message);
    keeper_wake(identity->keeper);
}

static bool app_start(struct app *app, struct err *err)
{
    struct identity *identity = &app->identity;
    const struct identity_config *config = &app->config;
    identity->service = app->service;
    identity->store = service_store(app->service);
    identity->config = config;
    const struct rpc_server_config server = { .service = &nwims__v1__identity__descriptor,
        .methods = identity_methods,
        .context = identity,
        .workers = config->workers,
        .queue = config->queue };
    /* Half of the workers stay free for what needs no password. */
    int64_t most_waiting = config->workers / 2 - config->password_checks;
    if (!master_key_parse(identity->master, config->master_key, err))
        return false;
    return key_store_open(&identity->keys, identity->store, config->master_key, config->key_rotation_ms, err) &&
           password_gate_open(&identity->gate, config->password_checks, most_waiting > 0 ? most_waiting : 0, err) &&
           bootstrap(identity, err) && service_relay_outbox(app->service, err) &&
           keeper_start(&identity->keeper, identity->keys, identity->store, err) &&
           bus_subscribe(&app->rotations, service_bus(app->service), "events.*.signing-key", NULL, on_rotation_take,
               identity, err) &&
           rpc_server_open(&app->server, service_bus(app->service), &server, err);
}

static void app_stop(struct app *app)
{
    rpc_server_close(app->server);
    bus_subscription_close(app->rotations);
    keeper_stop(app->identity.keeper);
    password_gate_close(app->identity.gate);
    key_store_close(app->identity.keys);
    explicit_bzero(app->identity.master, sizeof app->identity.master);
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
