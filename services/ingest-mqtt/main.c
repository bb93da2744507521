/* ingest-mqtt: devices send their readings over MQTT and are acknowledged when the stream has them. See README.md. */
#include "base/clock.h"
#include "base/log.h"
#include "complaints.h"
#include "front/gather_end.h"
#include "ingest_mqtt.h"
#include "metrics/metrics.h"
#include <stdlib.h>

static const struct service_program program = {
    .name = "ingest-mqtt",
    .summary = "Devices send readings over MQTT 3.1.1 and 5.",
    .settings = ingest_mqtt_settings,
    .uses_bus = true,
};

enum {
    MESSAGE_ARENA_BYTES = 64 * 1024 * 1024,
    MOST_EVENTS = 65536,
    GOODBYE_MS = 8000, /* for what is unacknowledged when devices are told to go */
    SETTLE_MS = 3000,
    EVENTS_MS = 2000,
};

/* ---- starting ---- */
static bool open_ingest(struct app *app, struct err *err)
{
    struct bus *bus = service_bus(app->service);
    return audit_trail_open(&app->trail, bus, program.name, err) &&
           front_ingest_open(&app->config.front, bus, &app->directory, &app->intake, &app->failures, err);
}

static bool open_loop(struct app *app, int index, struct err *err)
{
    struct front_loop *loop = &app->loops[index];
    struct gather_config gather = front_gather_config(&app->config.front, "mqtt");
    gather.settled = front_settled;
    gather.wake = front_wake;
    gather.context = loop;
    loop->app = app;
    loop->index = index;
    arena_init(&loop->arena, MESSAGE_ARENA_BYTES);
    return gather_open(&loop->gather, app->intake, &gather, err);
}

static bool open_parts(struct app *app, struct err *err)
{
    size_t most = (size_t)app->config.front.most_connections;
    app->roster = roster_new(most + 1);
    app->loops = calloc((size_t)app->config.front.loops, sizeof *app->loops);
    if (!app->roster || !app->loops)
        return err_set(err, ERR_LIMIT, "no memory to start");
    for (int i = 0; i < app->config.front.loops; i++)
        if (!open_loop(app, i, err))
            return false;
    return workers_open(
               &app->workers, "worker", (size_t)app->config.front.workers, 2 * most + 64, MESSAGE_ARENA_BYTES, err) &&
           event_outlet_open(&app->events, service_bus(app->service), MOST_EVENTS, err);
}

static bool listen_to_devices(struct app *app, struct err *err)
{
    const struct ingest_mqtt_config *config = &app->config;
    app->psk_door = (struct psk_door){ app->directory, COMPLAINT_CREDENTIALS, COMPLAINT_UNAVAILABLE };
    const struct net_tls_config tls = { .certificate_file = config->front.certificate_file,
        .key_file = config->front.key_file,
        .asks_for_certificate = config->front.takes_certificates,
        .psk = config->front.takes_psk ? psk_door_key : NULL,
        .psk_context = &app->psk_door,
        .ticket_secret = config->front.ticket_secret };
    if (config->plain_address[0] == '\0' && config->tls_address[0] == '\0')
        return err_set(err, ERR_CONFIG, "neither MQTT_ADDRESS nor MQTTS_ADDRESS is set");
    if (config->tls_address[0] != '\0' && !net_tls_open(&app->tls, &tls, err))
        return err_wrap(err, "MQTTS_ADDRESS needs TLS_CERTIFICATE_FILE and TLS_KEY_FILE");
    return (config->plain_address[0] == '\0' || net_listen(app->server, config->plain_address, NULL, err)) &&
           (config->tls_address[0] == '\0' || net_listen(app->server, config->tls_address, app->tls, err));
}

static bool follow_commands(struct app *app, struct err *err)
{
    const struct command_feed_config feed = {
        .protocol = "mqtt", .roster = app->roster, .server = app->server, .handler = command_down
    };
    return command_feed_open(&app->commands, service_bus(app->service), &feed, err);
}

static bool app_start(struct app *app, struct err *err)
{
    const struct net_config net = front_net_config(&app->config.front, "mqtt");
    mqtt_complaints_init(app);
    front_metrics(app);
    return open_ingest(app, err) && open_parts(app, err) &&
           net_server_open(&app->server, &net, &front_protocol, app, err) &&
           directory_listen(app->directory, front_recheck, app, err) && follow_commands(app, err) &&
           listen_to_devices(app, err);
}

/* ---- stopping ---- */
static void app_stop(struct app *app)
{
    if (app->server)
        net_server_drain(app->server, app->config.front.drain_spread_ms, GOODBYE_MS);
    command_feed_close(TAKE(app->commands));
    if (app->directory)
        directory_unlisten(app->directory);
    workers_stop(app->workers);
    if (app->server) {
        gather_end_wait(app->held, SETTLE_MS); /* what nobody waits for any more is given a moment */
        for (int i = 0; i < app->config.front.loops; i++)
            gather_end(app->server, i, &app->loops[i].gather);
    }
    net_server_close(TAKE(app->server));
    workers_close(TAKE(app->workers));
    for (int i = 0; app->loops && i < app->config.front.loops; i++) {
        gather_close(TAKE(app->loops[i].gather));
        arena_done(&app->loops[i].arena);
        buffer_done(&app->loops[i].out);
    }
    free(TAKE(app->loops));
    event_outlet_close(TAKE(app->events), EVENTS_MS);
    net_tls_close(TAKE(app->tls));
    roster_free(TAKE(app->roster));
    intake_close(TAKE(app->intake));
    directory_close(TAKE(app->directory));
    failure_gate_free(TAKE(app->failures));
    audit_trail_close(TAKE(app->trail));
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
