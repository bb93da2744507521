#include "net/net_internal.h"
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct move {
    struct net_mail mail;
    struct net_connection *connection;
};

/* One that is in no loop. */
static void throw_away(struct net_connection *connection)
{
    metric_add(connection->loop->server->ended[NET_END_SERVER], 1);
    net_tls_end(connection);
    close(connection->fd);
    free(connection->psk_identity);
    net_connection_count_out(connection->loop, false);
    free(connection);
}

static bool settle_in(struct net_connection *connection)
{
    struct net_loop *loop = connection->loop;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
    if (atomic_load(&loop->server->is_stopping) || !net_loop_add(loop, connection))
        return false;
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0)
        return true;
    net_loop_remove(loop, connection);
    return false;
}

static void on_moved(void *context, struct net_connection *none, struct net_mail *mail)
{
    struct move *move = (struct move *)(void *)mail;
    struct net_connection *connection = move->connection;
    (void)context, (void)none;
    free(move);
    if (!settle_in(connection)) {
        throw_away(connection);
        return;
    }
    connection->watched = EPOLLIN;
    net_connection_guard(connection);
    net_connection_open(connection);
    /* What came with the last bytes of the handshake shows in no event of the socket. */
    if (net_connection_may_receive(connection) && net_tls_has_pending(connection))
        net_connection_receive(connection);
    net_connection_watch(connection);
}

bool net_lobby_leave(struct net_connection *connection)
{
    struct net_loop *from = connection->loop, *to = net_emptiest_loop(from->server);
    struct move *move = calloc(1, sizeof *move);
    if (!move)
        return false;
    epoll_ctl(from->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    net_timer_remove(&from->timers, &connection->guard);
    net_loop_remove(from, connection);
    atomic_fetch_sub(&from->connections, 1);
    atomic_fetch_add(&to->connections, 1);
    connection->loop = to;
    *move = (struct move){ .mail = { .to = { .loop = (uint32_t)to->index }, .handler = on_moved },
        .connection = connection };
    net_post(from->server, &move->mail);
    return true;
}
