#include "base/clock.h"
#include "bus/bus_internal.h"
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS = 5000, /* for the first connection, all tries together */
    TRY_MS = 2000,     /* for one try                                  */
    BETWEEN_TRIES_MS = 100,
    RECONNECT_WAIT_MS = 250,
    PING_MS = 10000, /* a server that vanished without a word is noticed after 20 to 30 s */
    PINGS_UNANSWERED = 2,
    WRITE_MS =
        10000, /* without this a stuck server holds the connection's lock, and with it every thread, for minutes */
    FLUSH_MS = 1000,
    MOST_SERVERS = 16,
    URL_SIZE = 1024,
};

static void on_closed(natsConnection *connection, void *context)
{
    struct bus *bus = context;
    (void)connection;
    pthread_mutex_lock(&bus->lock);
    bus->closed_count++;
    pthread_cond_broadcast(&bus->closed);
    pthread_mutex_unlock(&bus->lock);
}

static void on_control_reconnected(natsConnection *connection, void *context)
{
    struct bus *bus = context;
    struct bus_hook hooks[BUS_MOST_HOOKS];
    (void)connection;
    atomic_fetch_add(&bus->reconnects, 1);
    metric_add(bus->reconnect_total, 1);
    pthread_mutex_lock(&bus->lock);
    size_t count = bus->hook_count;
    memcpy(hooks, bus->hooks, sizeof hooks);
    pthread_mutex_unlock(&bus->lock);
    for (size_t i = 0; i < count; i++)
        hooks[i].callback(hooks[i].context);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status, void *context)
{
    struct bus *bus = context;
    (void)connection;
    (void)subscription;
    if (status == NATS_SLOW_CONSUMER)
        metric_add(bus->slow_consumer_total, 1);
    else
        metric_add(bus->refused_total, 1);
}

/* ---- connecting ---- */
static natsStatus set_servers(natsOptions *options, const char *urls)
{
    char copy[URL_SIZE];
    const char *servers[MOST_SERVERS];
    int count = 0;
    if (strlen(urls) >= sizeof copy)
        return NATS_ADDRESS_MISSING;
    memcpy(copy, urls, strlen(urls) + 1);
    char *rest = NULL;
    for (char *url = strtok_r(copy, ", ", &rest); url; url = strtok_r(NULL, ", ", &rest)) {
        if (count == MOST_SERVERS)
            return NATS_ADDRESS_MISSING;
        servers[count++] = url;
    }
    return count == 0 ? NATS_ADDRESS_MISSING : natsOptions_SetServers(options, servers, count);
}

static natsStatus keep_first(natsStatus first, natsStatus next)
{
    return first != NATS_OK ? first : next;
}

static natsStatus set_life(natsOptions *options)
{
    natsStatus status = natsOptions_SetTimeout(options, TRY_MS);
    status = keep_first(status, natsOptions_SetMaxReconnect(options, -1)); /* the default gives up after 60 tries */
    status = keep_first(status, natsOptions_SetReconnectWait(options, RECONNECT_WAIT_MS));
    status = keep_first(status, natsOptions_SetReconnectJitter(options, RECONNECT_WAIT_MS, RECONNECT_WAIT_MS));
    status = keep_first(status, natsOptions_SetPingInterval(options, PING_MS));
    status = keep_first(status, natsOptions_SetMaxPingsOut(options, PINGS_UNANSWERED));
    status = keep_first(status, natsOptions_SetWriteDeadline(options, WRITE_MS));
    return keep_first(status, natsOptions_SetFailRequestsOnDisconnect(options, true));
}

static natsStatus set_identity(natsOptions *options, const struct bus_config *config)
{
    natsStatus status = set_servers(options, config->url);
    if (config->user && config->user[0] != '\0')
        status = keep_first(
            status, natsOptions_SetUserInfo(options, config->user, config->password ? config->password : ""));
    if (config->name && config->name[0] != '\0')
        status = keep_first(status, natsOptions_SetName(options, config->name));
    return status;
}

static natsStatus make_options(
    natsOptions **out_options, struct bus *bus, const struct bus_config *config, bool is_control)
{
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);
    if (status != NATS_OK)
        return status;
    status = set_identity(options, config);
    status = keep_first(status, set_life(options));
    status = keep_first(status, natsOptions_SetSendAsap(options, is_control));
    status = keep_first(status, natsOptions_SetErrorHandler(options, on_error, bus));
    status = keep_first(status, natsOptions_SetClosedCB(options, on_closed, bus));
    if (is_control)
        status = keep_first(status, natsOptions_SetReconnectedCB(options, on_control_reconnected, bus));
    if (status == NATS_OK)
        *out_options = options;
    else
        natsOptions_Destroy(options);
    return status;
}

static bool is_worth_retrying(natsStatus status)
{
    return status != NATS_CONNECTION_AUTH_FAILED && status != NATS_NOT_PERMITTED && status != NATS_ADDRESS_MISSING &&
           status != NATS_INVALID_ARG && status != NATS_SSL_ERROR;
}

/* Retries itself: retrying by the library (RetryOnFailedConnect) would wait for ever where we are refused. */
static bool connect_until(natsConnection **out_connection, struct bus *bus, const struct bus_config *config,
    bool is_control, int64_t end_us, struct err *err)
{
    natsOptions *options = NULL;
    natsStatus status = make_options(&options, bus, config, is_control);
    if (status != NATS_OK)
        return err_set(err, ERR_CONFIG, "bus settings: %s", natsStatus_GetText(status));
    status = natsConnection_Connect(out_connection, options);
    while (status != NATS_OK && is_worth_retrying(status) && clock_monotonic_us() < end_us) {
        clock_sleep_ms(BETWEEN_TRIES_MS);
        status = natsConnection_Connect(out_connection, options);
    }
    natsOptions_Destroy(options);
    if (status == NATS_OK)
        return true;
    *out_connection = NULL;
    if (is_worth_retrying(status))
        return err_set(err, ERR_TRANSIENT, "connecting to the bus: %s", natsStatus_GetText(status));
    return err_set(err, ERR_CONFIG, "the bus refuses us: %s", natsStatus_GetText(status));
}

static bool open_streams(struct bus *bus, struct err *err)
{
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = BUS_API_WAIT_MS;
    natsStatus status = natsConnection_JetStream(&bus->streams, bus->control, &options);
    return status == NATS_OK || bus_fail(err, status, "opening", "JetStream");
}

static void make_metrics(struct bus *bus)
{
    bus->slow_consumer_total = metrics_counter(
        "nwims_bus_slow_consumer_total", NULL, "Times that a subscription could not keep up and messages were dropped");
    bus->reconnect_total =
        metrics_counter("nwims_bus_reconnect_total", NULL, "Times that the connection to the bus came back");
    bus->refused_total = metrics_counter("nwims_bus_refused_total", NULL,
        "Errors that the bus reported on its own, such as a subject that we have no permission for");
    bus->late_total = metrics_counter(
        "nwims_bus_late_answer_total", NULL, "Answers that nobody waited for any more, of inboxes and of publishers");
    bus->pull_restart_total = metrics_counter("nwims_bus_pull_restart_total", NULL,
        "Times that a pull consumer had to ask anew: after a reconnection, a lost request, a consumer made anew");
}

bool bus_open(struct bus **out_bus, const struct bus_config *config, struct err *err)
{
    AUTO(bus) bus = calloc(1, sizeof *bus);
    if (!bus)
        return err_set(err, ERR_LIMIT, "no memory for the bus");
    pthread_mutex_init(&bus->lock, NULL);
    pthread_cond_init(&bus->closed, NULL);
    make_metrics(bus);
    int64_t end_us = clock_monotonic_us() + (int64_t)CONNECT_MS * 1000;
    if (!connect_until(&bus->control, bus, config, true, end_us, err) ||
        !connect_until(&bus->bulk, bus, config, false, end_us, err) || !open_streams(bus, err))
        return false;
    *out_bus = TAKE(bus);
    return true;
}

/* Acknowledgements may still stand in a buffer. */
static int close_connection(natsConnection *connection)
{
    if (!connection)
        return 0;
    if (natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED)
        natsConnection_FlushTimeout(connection, FLUSH_MS);
    natsConnection_Close(connection);
    return 1;
}

void bus_close(struct bus *bus)
{
    if (!bus)
        return;
    int opened = close_connection(bus->control) + close_connection(bus->bulk);
    pthread_mutex_lock(&bus->lock);
    while (bus->closed_count < opened) /* the last callback of a connection: after it none uses the bus */
        pthread_cond_wait(&bus->closed, &bus->lock);
    pthread_mutex_unlock(&bus->lock);
    jsCtx_Destroy(bus->streams);
    natsConnection_Destroy(bus->control);
    natsConnection_Destroy(bus->bulk);
    pthread_cond_destroy(&bus->closed);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

size_t bus_largest_message(const struct bus *bus)
{
    int64_t bytes = natsConnection_GetMaxPayload(bus->bulk);
    return bytes > 0 ? (size_t)bytes : 0;
}

bool bus_is_connected(const struct bus *bus)
{
    return natsConnection_Status(bus->control) == NATS_CONN_STATUS_CONNECTED &&
           natsConnection_Status(bus->bulk) == NATS_CONN_STATUS_CONNECTED;
}

bool bus_on_reconnect(struct bus *bus, void (*callback)(void *context), void *context, struct err *err)
{
    pthread_mutex_lock(&bus->lock);
    bool has_room = bus->hook_count < BUS_MOST_HOOKS;
    if (has_room)
        bus->hooks[bus->hook_count++] = (struct bus_hook){ callback, context };
    pthread_mutex_unlock(&bus->lock);
    return has_room || err_set(err, ERR_LIMIT, "more than %d wait for reconnections", BUS_MOST_HOOKS);
}
