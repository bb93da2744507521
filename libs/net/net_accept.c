#include "base/clock.h"
#include "net/net_internal.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Who comes is taken out of the kernel's queue at once and waits here until it is admitted. The kernel's queue is
 * short, and one that it dropped tries again seconds later, each time later: of 15,000 that came back together 1,800
 * were still out after two minutes. A turn of the loop takes and admits so many at the most: those who are in already
 * come first. */
enum { MOST_TAKEN_A_TURN = 1024, MOST_A_TURN = 64, OUT_OF_FILES_WAIT_MS = 100, CROWDED_WAIT_MS = 5 };

/* ---- handing over to a loop ---- */
struct arrival {
    struct net_mail mail;
    struct net_loop *loop;
    const struct net_listener *listener;
    uint64_t number;
    struct sockaddr_storage peer;
    socklen_t peer_size;
    int fd;
    struct arrival *behind; /* in the waiting room */
};

static void on_arrival(void *context, struct net_connection *none, struct net_mail *mail)
{
    struct arrival *arrival = (struct arrival *)(void *)mail;
    (void)context, (void)none;
    net_connection_begin(arrival->loop, arrival->fd, arrival->number, arrival->listener,
        (const struct sockaddr *)&arrival->peer, arrival->peer_size);
    free(arrival);
}

struct net_loop *net_lobby(const struct net_server *server)
{
    return &server->loops[server->config.loops];
}

struct net_loop *net_emptiest_loop(const struct net_server *server)
{
    struct net_loop *best = &server->loops[0];
    for (int i = 1; i < server->config.loops; i++)
        if (atomic_load(&server->loops[i].connections) < atomic_load(&best->connections))
            best = &server->loops[i];
    return best;
}

/* A peer that went without a word is found out: by probes when idle, by unacknowledged data when not. */
static void set_options(int fd)
{
    int on = 1, idle_s = 120, interval_s = 30, probes = 4;
    unsigned user_ms = 60000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof user_ms);
}

/* ---- the waiting room ---- */
static void sit_down(struct net_server *server, struct arrival *arrival)
{
    if (server->last_waiting)
        server->last_waiting->behind = arrival;
    else
        server->first_waiting = arrival;
    server->last_waiting = arrival;
    metric_set(server->waiting_gauge, (double)++server->waiting);
}

static struct arrival *stand_up(struct net_server *server)
{
    struct arrival *arrival = server->first_waiting;
    server->first_waiting = arrival->behind;
    if (!server->first_waiting)
        server->last_waiting = NULL;
    metric_set(server->waiting_gauge, (double)--server->waiting);
    return arrival;
}

static void send_away(struct net_server *server, struct arrival *arrival)
{
    close(arrival->fd);
    free(arrival);
    atomic_fetch_sub(&server->connections, 1);
}

/* ---- who may come in ---- */
static void take_in(struct net_server *server, struct net_listener *listener, int fd,
    const struct sockaddr_storage *peer, socklen_t peer_size)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (!arrival || atomic_load(&server->connections) >= server->config.most_connections) {
        metric_add(server->refused, 1);
        close(fd);
        free(arrival);
        return;
    }
    set_options(fd);
    metric_add(server->accepted, 1);
    arrival->fd = fd;
    arrival->listener = listener;
    arrival->peer = *peer;
    arrival->peer_size = peer_size;
    atomic_fetch_add(&server->connections, 1);
    sit_down(server, arrival);
}

static void hand_over(struct net_server *server, struct arrival *arrival)
{
    arrival->loop = arrival->listener->tls ? net_lobby(server) : net_emptiest_loop(server);
    arrival->number = ++server->last_number;
    arrival->mail.to.loop = (uint32_t)arrival->loop->index;
    arrival->mail.handler = on_arrival;
    /* Counted here, so that a burst cannot run past the bounds before the loops have seen it. */
    atomic_fetch_add(&arrival->loop->connections, 1);
    atomic_fetch_add(&server->unestablished, 1);
    net_post(server, &arrival->mail);
}

static void watch(struct net_loop *loop, struct net_listener *listener, bool is_wanted)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = listener };
    if (listener->is_watched == is_wanted || listener->fd < 0)
        return;
    epoll_ctl(loop->epoll, is_wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener->fd, &event);
    listener->is_watched = is_wanted;
}

static void admit_in_ms(struct net_server *server, struct net_loop *loop, int64_t ms)
{
    server->admit_again_us = loop->now_us + ms * 1000;
    metric_add(server->delayed, 1);
}

/* The bucket holds a second's worth. */
static void fill_tokens(struct net_server *server, int64_t now_us)
{
    double most = (double)server->config.admit_a_second;
    server->tokens += (double)(now_us - server->tokens_at_us) * most / 1e6;
    server->tokens = server->tokens > most ? most : server->tokens;
    server->tokens_at_us = now_us;
}

static bool may_enter(struct net_server *server, struct net_loop *loop)
{
    if (atomic_load(&server->unestablished) >= server->config.most_unestablished) {
        admit_in_ms(server, loop, CROWDED_WAIT_MS);
        return false;
    }
    if (server->tokens < 1) {
        admit_in_ms(server, loop, 1 + 1000 / server->config.admit_a_second);
        return false;
    }
    return true;
}

/* False when this listener has nobody waiting, or there is no file for it. */
static bool accept_one(struct net_server *server, struct net_loop *loop, struct net_listener *listener)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            server->accept_again_us = loop->now_us + OUT_OF_FILES_WAIT_MS * 1000;
        return errno == ECONNABORTED || errno == EINTR;
    }
    take_in(server, listener, fd, &peer, size);
    return true;
}

static void admit_some(struct net_server *server, struct net_loop *loop)
{
    if (loop->now_us < server->admit_again_us)
        return;
    server->admit_again_us = 0;
    fill_tokens(server, loop->now_us);
    for (int admitted = 0; server->first_waiting; admitted++) {
        if (admitted == MOST_A_TURN)
            server->admit_again_us = loop->now_us; /* at once, but after those who are in */
        if (admitted == MOST_A_TURN || !may_enter(server, loop))
            return;
        server->tokens -= 1;
        hand_over(server, stand_up(server));
    }
}

static void accept_some(struct net_server *server, struct net_loop *loop)
{
    size_t count = atomic_load(&server->listener_count);
    if (loop->now_us < server->accept_again_us)
        return;
    server->accept_again_us = 0;
    for (size_t i = 0; i < count; i++)
        for (int taken = 0; taken < MOST_TAKEN_A_TURN && accept_one(server, loop, &server->listeners[i]);)
            taken++;
    for (size_t i = 0; i < count; i++)
        watch(loop, &server->listeners[i], server->accept_again_us == 0);
}

int64_t net_accept_due(const struct net_server *server)
{
    int64_t due_us = INT64_MAX;
    if (server->accept_again_us != 0)
        due_us = server->accept_again_us;
    if (server->first_waiting && server->admit_again_us < due_us)
        due_us = server->admit_again_us;
    return due_us;
}

void net_accept_all(struct net_server *server, struct net_loop *loop)
{
    if (atomic_load(&server->is_closed_to_new))
        return;
    accept_some(server, loop);
    admit_some(server, loop);
}

void net_accept_forget(struct net_server *server)
{
    while (server->first_waiting)
        send_away(server, stand_up(server));
}

void net_accept_stop(struct net_server *server, struct net_loop *loop)
{
    for (size_t i = 0; i < atomic_load(&server->listener_count); i++) {
        watch(loop, &server->listeners[i], false);
        if (server->listeners[i].fd >= 0)
            close(server->listeners[i].fd);
        server->listeners[i].fd = -1;
    }
    net_accept_forget(server);
    server->accept_again_us = server->admit_again_us = 0;
}
