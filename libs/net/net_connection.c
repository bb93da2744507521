#include "base/clock.h"
#include "net/net_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { LINGER_MS = 1000 };

/* ---- what epoll and the guard wait for ---- */
void net_connection_watch(struct net_connection *connection)
{
    bool reads = connection->is_shut || !(connection->is_paused || connection->is_closing) || !connection->is_opened;
    bool writes = connection->wants_write || (connection->output.size > 0 && connection->is_opened);
    uint32_t wanted = (reads ? (uint32_t)EPOLLIN : 0) | (writes ? (uint32_t)EPOLLOUT : 0);
    struct epoll_event event = { .events = wanted, .data.ptr = connection };
    if (connection->is_over || wanted == connection->watched)
        return;
    epoll_ctl(connection->loop->epoll, EPOLL_CTL_MOD, connection->fd, &event);
    connection->watched = wanted;
}

void net_connection_guard(struct net_connection *connection)
{
    const struct net_config *config = &connection->loop->server->config;
    int64_t ms = connection->is_closing        ? LINGER_MS
                 : !connection->is_established ? config->establish_ms
                 : connection->output.size > 0 ? config->stall_ms
                                               : -1;
    if (ms < 0)
        net_timer_clear(&connection->guard);
    else
        net_timer_set(&connection->loop->timers, &connection->guard, connection->since_us + ms * 1000);
}

static void guard_from_now(struct net_connection *connection)
{
    connection->since_us = connection->loop->now_us;
    net_connection_guard(connection);
}

void net_connection_guard_due(struct net_connection *connection)
{
    net_connection_end(connection, connection->is_closing        ? NET_END_OURS
                                   : !connection->is_established ? NET_END_LATE
                                                                 : NET_END_SLOW);
}

/* ---- beginning and end ---- */
static void mark_dirty(struct net_connection *connection)
{
    if (connection->is_dirty || connection->is_over)
        return;
    connection->is_dirty = true;
    connection->next_dirty = connection->loop->dirty;
    connection->loop->dirty = connection;
}

void net_connection_end(struct net_connection *connection, enum net_end end)
{
    if (connection->is_over)
        return;
    connection->is_over = true;
    connection->end = end;
    connection->next_over = connection->loop->over;
    connection->loop->over = connection;
}

void net_connection_count_out(struct net_loop *loop, bool was_established)
{
    struct net_server *server = loop->server;
    atomic_fetch_sub(&loop->connections, 1);
    size_t left = atomic_fetch_sub(&server->connections, 1) - 1;
    if (!was_established)
        atomic_fetch_sub(&server->unestablished, 1);
    metric_set(server->open_gauge, (double)left);
    metric_set(server->unestablished_gauge, (double)atomic_load(&server->unestablished));
}

/* A list that it is still in holds its pointer: taken out of each. */
static void leave_lists(struct net_connection *connection)
{
    for (struct net_connection **at = &connection->loop->dirty; connection->is_dirty && *at; at = &(*at)->next_dirty)
        if (*at == connection) {
            *at = connection->next_dirty;
            break;
        }
    for (struct net_connection **at = &connection->loop->resumed; connection->is_resumed && *at;
         at = &(*at)->next_resumed)
        if (*at == connection) {
            *at = connection->next_resumed;
            break;
        }
}

void net_connection_free(struct net_connection *connection)
{
    struct net_loop *loop = connection->loop;
    struct net_server *server = loop->server;
    if (connection->is_opened)
        server->protocol.closed(server->context, connection, connection->end);
    metric_add(server->ended[connection->end], 1);
    leave_lists(connection);
    net_timer_remove(&loop->timers, &connection->timer);
    net_timer_remove(&loop->timers, &connection->guard);
    net_tls_end(connection);
    close(connection->fd);
    buffer_done(&connection->input);
    buffer_done(&connection->output);
    free(connection->psk_identity);
    net_loop_remove(loop, connection);
    net_connection_count_out(loop, connection->is_established);
    free(connection);
}

static struct net_connection *make(struct net_loop *loop, int fd, const struct sockaddr *peer, socklen_t size)
{
    struct epoll_event event = { .events = EPOLLIN };
    struct net_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->loop = loop;
    connection->fd = fd;
    connection->watched = event.events;
    event.data.ptr = connection;
    net_timer_init(&connection->timer, false);
    net_timer_init(&connection->guard, true);
    connection->output.ceiling_bytes = loop->server->config.most_output_bytes + 1;
    memcpy(&connection->peer, peer, size < sizeof connection->peer ? size : sizeof connection->peer);
    if (net_loop_add(loop, connection)) {
        if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
            return connection;
        net_loop_remove(loop, connection);
    }
    free(connection);
    return NULL;
}

void net_connection_open(struct net_connection *connection)
{
    struct net_server *server = connection->loop->server;
    connection->is_opened = server->protocol.opened(server->context, connection);
    if (!connection->is_opened)
        net_connection_end(connection, NET_END_OURS);
}

void net_connection_begin(struct net_loop *loop, int fd, uint64_t number, const struct net_listener *listener,
    const struct sockaddr *peer, socklen_t size)
{
    struct net_tls *tls = listener->tls;
    struct net_server *server = loop->server;
    struct net_connection *connection = atomic_load(&server->is_stopping) ? NULL : make(loop, fd, peer, size);
    if (!connection) {
        metric_add(server->refused, 1);
        close(fd);
        net_connection_count_out(loop, false);
        return;
    }
    connection->number = number;
    connection->listener = (uint8_t)(listener - server->listeners);
    metric_set(server->open_gauge, (double)atomic_load(&server->connections));
    metric_set(server->unestablished_gauge, (double)atomic_load(&server->unestablished));
    guard_from_now(connection);
    if (tls && !net_tls_begin(connection, tls))
        net_connection_end(connection, NET_END_HANDSHAKE);
    else if (!tls)
        net_connection_open(connection);
}

/* ---- bytes in ---- */
static enum net_io read_some(struct net_connection *connection, size_t *out_size)
{
    unsigned char *scratch = connection->loop->scratch;
    if (connection->ssl)
        return net_tls_read(connection, scratch, NET_SCRATCH_BYTES, out_size);
    ssize_t count = read(connection->fd, scratch, NET_SCRATCH_BYTES);
    *out_size = count > 0 ? (size_t)count : 0;
    return count > 0    ? NET_DONE
           : count == 0 ? NET_CLOSED
                        : (errno == EAGAIN || errno == EINTR ? NET_AGAIN : NET_CLOSED);
}

/* What was not taken stays; without anything left the memory goes. */
static void keep_rest(struct buffer *buffer, size_t taken)
{
    if (taken >= buffer->size) {
        buffer_done(buffer);
    } else if (taken > 0) {
        memmove(buffer->data, buffer->data + taken, buffer->size - taken);
        buffer->size -= taken;
    }
}

bool net_connection_may_receive(const struct net_connection *connection)
{
    return !connection->is_paused && !connection->is_closing && !connection->is_over;
}

static void give(struct net_connection *connection, size_t size)
{
    const struct net_server *server = connection->loop->server;
    const unsigned char *scratch = connection->loop->scratch;
    metric_add(server->received_bytes, size);
    if (connection->input.size > 0) {
        buffer_put(&connection->input, scratch, size);
        if (!buffer_ok(&connection->input)) {
            net_connection_end(connection, NET_END_SLOW);
            return;
        }
        keep_rest(&connection->input, server->protocol.received(server->context, connection,
                                          (const unsigned char *)connection->input.data, connection->input.size));
        return;
    }
    size_t taken = server->protocol.received(server->context, connection, scratch, size);
    if (taken < size && !connection->is_closing && !connection->is_over)
        buffer_put(&connection->input, scratch + taken, size - taken);
}

void net_connection_receive(struct net_connection *connection)
{
    size_t size = 0;
    do {
        enum net_io io = read_some(connection, &size);
        if (io == NET_CLOSED || io == NET_FAILED)
            net_connection_end(connection, NET_END_PEER);
        else if (io == NET_DONE)
            give(connection, size);
    } while (connection->ssl && net_connection_may_receive(connection) && net_tls_has_pending(connection));
}

void net_connection_resumed(struct net_connection *connection)
{
    const struct net_server *server = connection->loop->server;
    if (net_connection_may_receive(connection) && connection->input.size > 0)
        keep_rest(&connection->input, server->protocol.received(server->context, connection,
                                          (const unsigned char *)connection->input.data, connection->input.size));
    if (net_connection_may_receive(connection) && connection->ssl && net_tls_has_pending(connection))
        net_connection_receive(connection);
    net_connection_watch(connection);
}

/* ---- bytes out ---- */
static enum net_io write_some(struct net_connection *connection, size_t *out_size)
{
    const struct buffer *output = &connection->output;
    if (connection->ssl)
        return net_tls_write(connection, output->data, output->size, out_size);
    ssize_t count = send(connection->fd, output->data, output->size, MSG_NOSIGNAL);
    *out_size = count > 0 ? (size_t)count : 0;
    return count >= 0 ? NET_DONE : (errno == EAGAIN || errno == EINTR ? NET_AGAIN : NET_CLOSED);
}

/* All that was sent is on its way: we close our half, and wait a moment for the peer to close its own. Closing at once
 * would reset the connection if anything of the peer's is unread, and the last words would be lost. */
static void shut(struct net_connection *connection)
{
    if (connection->is_shut)
        return;
    connection->is_shut = true;
    net_tls_end(connection);
    shutdown(connection->fd, SHUT_WR);
}

void net_connection_flush(struct net_connection *connection)
{
    struct net_server *server = connection->loop->server;
    size_t size = 0;
    if (connection->is_over)
        return;
    if (connection->has_overflown) {
        net_connection_end(connection, NET_END_SLOW);
        return;
    }
    while (connection->output.size > 0) {
        enum net_io io = write_some(connection, &size);
        if (io == NET_CLOSED || io == NET_FAILED) {
            net_connection_end(connection, NET_END_PEER);
            return;
        }
        if (io == NET_AGAIN)
            break;
        metric_add(server->sent_bytes, size);
        keep_rest(&connection->output, size);
        if (connection->is_established && !connection->is_closing)
            guard_from_now(connection);
    }
    if (connection->output.size == 0 && connection->is_closing)
        shut(connection);
    net_connection_watch(connection);
}

/* ---- events ---- */
/* False when the connection is not this loop's any more. */
static bool go_on_with_handshake(struct net_connection *connection)
{
    enum net_io io = net_tls_handshake(connection);
    if (io == NET_AGAIN)
        return true;
    if (io == NET_DONE && net_lobby_leave(connection))
        return false;
    net_connection_end(connection, NET_END_HANDSHAKE);
    return true;
}

static void discard(struct net_connection *connection)
{
    ssize_t count = read(connection->fd, connection->loop->scratch, NET_SCRATCH_BYTES);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
        net_connection_end(connection, NET_END_OURS);
}

void net_connection_event(struct net_connection *connection, uint32_t events)
{
    if (connection->is_over)
        return;
    if (!connection->is_opened) {
        if (!go_on_with_handshake(connection))
            return;
    } else if (connection->is_shut) {
        discard(connection);
    } else if (events & (EPOLLERR | EPOLLHUP) && !net_connection_may_receive(connection)) {
        net_connection_end(connection, NET_END_PEER);
    } else {
        connection->wants_write = false;
        if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && net_connection_may_receive(connection))
            net_connection_receive(connection);
        if (events & EPOLLOUT)
            mark_dirty(connection);
    }
    net_connection_watch(connection);
}

/* ---- what protocols call ---- */
void net_set_state(struct net_connection *connection, void *state)
{
    connection->state = state;
}
void *net_state(const struct net_connection *connection)
{
    return connection->state;
}
int net_loop_of(const struct net_connection *connection)
{
    return connection->loop->index;
}
size_t net_listener_of(const struct net_connection *connection)
{
    return connection->listener;
}
void net_peer(const struct net_connection *connection, char text[NET_PEER_SIZE])
{
    net_address_format(&connection->peer.any, true, text);
}
void net_peer_host(const struct net_connection *connection, char text[NET_PEER_SIZE])
{
    net_address_format(&connection->peer.any, false, text);
}
struct net_handle net_handle_of(const struct net_connection *connection)
{
    return (struct net_handle){ (uint32_t)connection->loop->index, connection->place, connection->number };
}

void net_send(struct net_connection *connection, const void *bytes, size_t size)
{
    if (connection->is_over || connection->is_closing)
        return;
    bool was_empty = connection->output.size == 0;
    buffer_put(&connection->output, bytes, size);
    if (was_empty && connection->is_established)
        guard_from_now(connection);
    connection->has_overflown = !buffer_ok(&connection->output);
    mark_dirty(connection);
}

size_t net_unsent_bytes(const struct net_connection *connection)
{
    return connection->output.size;
}

void net_pause(struct net_connection *connection)
{
    connection->is_paused = true;
    net_connection_watch(connection);
}

void net_resume(struct net_connection *connection)
{
    if (!connection->is_paused || connection->is_over)
        return;
    connection->is_paused = false;
    if (connection->is_resumed)
        return;
    connection->is_resumed = true;
    connection->next_resumed = connection->loop->resumed;
    connection->loop->resumed = connection;
}

void net_established(struct net_connection *connection)
{
    struct net_server *server = connection->loop->server;
    if (connection->is_established)
        return;
    connection->is_established = true;
    metric_set(server->unestablished_gauge, (double)(atomic_fetch_sub(&server->unestablished, 1) - 1));
    guard_from_now(connection);
}

void net_set_timer(struct net_connection *connection, int64_t ms)
{
    net_timer_set(&connection->loop->timers, &connection->timer, connection->loop->now_us + ms * 1000);
}

void net_clear_timer(struct net_connection *connection)
{
    net_timer_clear(&connection->timer);
}

void net_close(struct net_connection *connection)
{
    if (connection->is_over || connection->is_closing)
        return;
    connection->is_closing = true;
    net_timer_clear(&connection->timer);
    guard_from_now(connection);
    mark_dirty(connection);
}
