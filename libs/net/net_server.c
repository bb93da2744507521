#include "base/clock.h"
#include "net/net_internal.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096, MOST_LOOPS = 64, DRAIN_LOOK_MS = 10 };

static const struct {
    const char *name;
    const char *label;
} ends[NET_ENDS] = {
    [NET_END_PEER] = { "peer", "why=\"peer\"" },
    [NET_END_OURS] = { "ours", "why=\"ours\"" },
    [NET_END_HANDSHAKE] = { "handshake", "why=\"handshake\"" },
    [NET_END_LATE] = { "late", "why=\"late\"" },
    [NET_END_SLOW] = { "slow", "why=\"slow\"" },
    [NET_END_SERVER] = { "server", "why=\"server\"" },
};

const char *net_end_name(enum net_end end)
{
    return ends[end].name;
}

static void make_metrics(struct net_server *server)
{
    static const char ended[] = "nwims_net_ended_total", ended_help[] = "Connections that ended, by why";
    server->accepted = metrics_counter("nwims_net_accepted_total", NULL, "Connections accepted");
    server->refused =
        metrics_counter("nwims_net_refused_total", NULL, "Connections closed at once: too many, or no memory");
    server->delayed = metrics_counter("nwims_net_admission_waits_total", NULL,
        "Times that new connections had to wait: admission rate, too many not established");
    server->open_gauge = metrics_gauge("nwims_net_connections", NULL, "Connections that are open");
    server->unestablished_gauge =
        metrics_gauge("nwims_net_unestablished_connections", NULL, "Connections still in handshake or login");
    server->waiting_gauge =
        metrics_gauge("nwims_net_waiting_connections", NULL, "Connections accepted that have not been admitted yet");
    server->received_bytes = metrics_counter("nwims_net_received_bytes_total", NULL, "Bytes received, after TLS");
    server->sent_bytes = metrics_counter("nwims_net_sent_bytes_total", NULL, "Bytes sent, before TLS");
    for (int end = 0; end < NET_ENDS; end++)
        server->ended[end] = metrics_counter(ended, ends[end].label, ended_help);
}

static bool check_config(const struct net_config *config, struct err *err)
{
    if (config->loops < 1 || config->loops > MOST_LOOPS || config->most_connections < 1 ||
        config->most_unestablished < 1 || config->admit_a_second < 1 || config->establish_ms < 1 ||
        config->stall_ms < 1 || config->most_output_bytes < 1)
        return err_set(err, ERR_CONFIG, "a bound of the listener is 0 or too large");
    return true;
}

bool net_server_open(struct net_server **out_server, const struct net_config *config,
    const struct net_protocol *protocol, void *context, struct err *err)
{
    if (!check_config(config, err))
        return false;
    AUTO(net_server) server = calloc(1, sizeof *server);
    if (server)
        server->loops = calloc((size_t)config->loops + 1, sizeof *server->loops);
    if (!server || !server->loops)
        return err_set(err, ERR_LIMIT, "no memory for a listener");
    server->config = *config;
    server->protocol = *protocol;
    server->context = context;
    server->tokens = (double)config->admit_a_second;
    server->tokens_at_us = clock_monotonic_us();
    make_metrics(server);
    for (int i = 0; i <= config->loops; i++)
        server->loops[i].epoll = server->loops[i].wake = -1;
    for (int i = 0; i <= config->loops; i++)
        if (!net_loop_start(&server->loops[i], server, i, err))
            return false;
    *out_server = TAKE(server);
    return true;
}

static int listen_on(const struct net_address *address)
{
    int on = 1;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->size) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int port_of(int fd)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t size = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0)
        return 0;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    memcpy(&four, &storage, sizeof four);
    memcpy(&six, &storage, sizeof six);
    return ntohs(storage.ss_family == AF_INET6 ? six.sin6_port : four.sin_port);
}

bool net_listen(struct net_server *server, const char *address, struct net_tls *tls, struct err *err)
{
    struct net_address parsed;
    size_t count = atomic_load(&server->listener_count);
    if (count == NET_MOST_LISTENERS)
        return err_set(err, ERR_CONFIG, "more than %d addresses to listen on", NET_MOST_LISTENERS);
    if (!net_address_parse(address, &parsed, err))
        return false;
    int fd = listen_on(&parsed);
    if (fd < 0)
        return err_set(err, ERR_CONFIG, "cannot listen on %s: %s", address, strerror(errno));
    server->listeners[count] = (struct net_listener){ .server = server, .tls = tls, .fd = fd, .port = port_of(fd) };
    atomic_store(&server->listener_count, count + 1);
    net_loop_wake(&server->loops[0]);
    return true;
}

int net_listen_port(const struct net_server *server, size_t listener)
{
    return listener < atomic_load(&server->listener_count) ? server->listeners[listener].port : 0;
}

/* ---- going ---- */
struct drain_mail {
    struct net_mail mail;
    struct net_loop *loop;
    int64_t spread_us;
};

static void on_drain(void *context, struct net_connection *none, struct net_mail *mail)
{
    struct drain_mail *drain = (struct drain_mail *)(void *)mail;
    struct net_loop *loop = drain->loop;
    (void)context, (void)none;
    if (loop->index == 0)
        net_accept_stop(loop->server, loop);
    loop->is_draining = true;
    loop->drain_began_us = loop->now_us;
    loop->drain_spread_us = drain->spread_us;
    loop->drain_places = loop->place_count;
    free(drain);
}

void net_server_drain(struct net_server *server, int64_t spread_ms, int64_t wait_ms)
{
    int64_t end_us = clock_monotonic_us() + (spread_ms + wait_ms) * 1000;
    atomic_store(&server->is_closed_to_new, true);
    for (int i = 0; i <= server->config.loops; i++) {
        struct drain_mail *drain = calloc(1, sizeof *drain);
        if (!drain)
            return; /* net_server_close ends them all the same */
        *drain = (struct drain_mail){ .mail = { .to = { .loop = (uint32_t)i }, .handler = on_drain },
            .loop = &server->loops[i],
            .spread_us = spread_ms * 1000 };
        net_post(server, &drain->mail);
    }
    while (atomic_load(&server->connections) > 0 && clock_monotonic_us() < end_us)
        clock_sleep_ms(DRAIN_LOOK_MS);
}

void net_server_close(struct net_server *server)
{
    if (!server)
        return;
    atomic_store(&server->is_closed_to_new, true);
    atomic_store(&server->is_stopping, true);
    for (int i = 0; server->loops && i <= server->config.loops; i++)
        net_loop_join(&server->loops[i]);
    for (int i = 0; server->loops && i <= server->config.loops; i++)
        net_loop_done(&server->loops[i]);
    net_accept_forget(server);
    for (size_t i = 0; i < atomic_load(&server->listener_count); i++)
        if (server->listeners[i].fd >= 0)
            close(server->listeners[i].fd);
    free(server->loops);
    free(server);
}

size_t net_server_connections(const struct net_server *server)
{
    return atomic_load(&server->connections);
}

int net_server_loops(const struct net_server *server)
{
    return server->config.loops;
}
