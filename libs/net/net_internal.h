/* What the server is made of: net_server.c (life), net_accept.c (who comes in), net_loop.c (a thread and its rounds),
 * net_connection.c (bytes in and out), net_tls.c (OpenSSL), net_timer.c. Inside libs/net only. */
#pragma once
#include "base/buffer.h"
#include "metrics/metrics.h"
#include "net/net.h"
#include "net/net_timer.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum { NET_MOST_LISTENERS = 8, NET_SCRATCH_BYTES = 64 * 1024 };

struct net_address {
    struct sockaddr_storage storage;
    socklen_t size;
};
MUST_CHECK bool net_address_parse(const char *text, struct net_address *out_address, struct err *err);
void net_address_format(const struct sockaddr *address, bool with_port, char text[NET_PEER_SIZE]);

struct net_loop;
struct ssl_st;
/* Small on purpose: fifteen thousand of these are idle most of the time. */
struct net_connection {
    struct net_loop *loop;
    void *state;
    struct ssl_st *ssl; /* NULL: plain */
    char *psk_identity;
    struct buffer input, output; /* without memory while empty */
    struct net_timer timer;      /* the protocol's */
    struct net_timer guard;      /* ours: establishing, stalling, lingering */
    int64_t since_us;            /* of what the guard waits for */
    struct net_connection *next_dirty, *next_resumed, *next_over;
    uint64_t number;
    uint32_t place;
    int fd;
    uint32_t watched; /* what epoll watches for */
    uint8_t listener;
    enum net_end end;
    bool is_opened, is_established, is_paused, is_closing, is_shut, is_over, is_dirty, is_resumed, wants_write;
    bool has_overflown; /* more output than may wait */
    union {
        struct sockaddr any;
        unsigned char room[28]; /* a sockaddr_in6 */
    } peer;
};

struct net_loop {
    struct net_server *server;
    int index;
    int epoll, wake;
    pthread_t thread;
    bool is_started;
    struct net_connection **places;
    uint32_t *free_places;
    size_t place_count, free_count;
    atomic_size_t connections;
    struct net_timers timers;
    struct net_connection *dirty, *resumed, *over;
    int64_t now_us, turn_us; /* when the protocol wants its next turn */
    /* draining */
    bool is_draining;
    int64_t drain_began_us, drain_spread_us;
    size_t drain_place, drain_places;
    unsigned char *scratch;
    pthread_mutex_t mail_lock;
    struct net_mail *mail_first, **mail_last;
};

struct net_listener {
    struct net_server *server;
    struct net_tls *tls;
    int fd;
    int port;
    bool is_watched;
};

struct net_server {
    struct net_config config;
    struct net_protocol protocol;
    void *context;
    struct net_loop *loops; /* config.loops, and one more: the lobby, where TLS shakes hands */
    struct net_listener listeners[NET_MOST_LISTENERS];
    atomic_size_t listener_count;
    atomic_size_t connections, unestablished;
    atomic_bool is_stopping, is_closed_to_new;
    uint64_t last_number; /* of connections; loop 0 gives them */
    /* admission, of loop 0 only */
    double tokens;
    int64_t tokens_at_us, accept_again_us, admit_again_us; /* 0: no wait */
    struct arrival *first_waiting, *last_waiting;          /* accepted, not yet admitted; of loop 0 only */
    size_t waiting;
    struct metric *accepted, *refused, *delayed, *open_gauge, *unestablished_gauge, *waiting_gauge, *ended[NET_ENDS],
        *received_bytes, *sent_bytes;
};

/* ---- net_loop.c ---- */
MUST_CHECK bool net_loop_start(struct net_loop *loop, struct net_server *server, int index, struct err *err);
/* Ends the thread; then, when no thread runs any more, frees what is left. */
void net_loop_join(struct net_loop *loop);
void net_loop_done(struct net_loop *loop);
void net_loop_wake(struct net_loop *loop);
MUST_CHECK bool net_loop_add(struct net_loop *loop, struct net_connection *connection);
void net_loop_remove(struct net_loop *loop, struct net_connection *connection);
struct net_connection *net_loop_find(const struct net_loop *loop, const struct net_handle *handle);

/* ---- net_accept.c ---- */
struct net_loop *net_lobby(const struct net_server *server);
struct net_loop *net_emptiest_loop(const struct net_server *server);
/* on loop 0 */
/* Takes who may come in now; says when to look again. */
void net_accept_all(struct net_server *server, struct net_loop *loop);
/* When net_accept_all is wanted again though nobody new has come; INT64_MAX: not. */
int64_t net_accept_due(const struct net_server *server);
/* Closes those who wait to be admitted. */
void net_accept_forget(struct net_server *server);
void net_accept_stop(struct net_server *server, struct net_loop *loop);

/* ---- net_connection.c ---- */
/* A connection that was just accepted, on its loop. Takes fd in any case. */
void net_connection_begin(struct net_loop *loop, int fd, uint64_t number, const struct net_listener *listener,
    const struct sockaddr *peer, socklen_t size);
void net_connection_event(struct net_connection *connection, uint32_t events);
void net_connection_guard_due(struct net_connection *connection);
void net_connection_resumed(struct net_connection *connection);
void net_connection_flush(struct net_connection *connection);
/* What epoll and the guard wait for, as things stand now. */
void net_connection_watch(struct net_connection *connection);
void net_connection_guard(struct net_connection *connection);
/* Hands it to the protocol: it is in its loop, and TLS is agreed on. */
void net_connection_open(struct net_connection *connection);
bool net_connection_may_receive(const struct net_connection *connection);
void net_connection_receive(struct net_connection *connection);
void net_connection_count_out(struct net_loop *loop, bool was_established);
/* Marks it to be freed at the end of the round. */
void net_connection_end(struct net_connection *connection, enum net_end end);
void net_connection_free(struct net_connection *connection);

/* ---- net_lobby.c ---- */
/* From the lobby into a loop, after the handshake; not to be touched here any more when this returns true. */
MUST_CHECK bool net_lobby_leave(struct net_connection *connection);

/* ---- net_tls.c: NET_AGAIN when the socket must become readable or writable first ---- */
enum net_io { NET_DONE, NET_AGAIN, NET_CLOSED, NET_FAILED };
MUST_CHECK bool net_tls_begin(struct net_connection *connection, struct net_tls *tls);
enum net_io net_tls_handshake(struct net_connection *connection);
enum net_io net_tls_read(struct net_connection *connection, unsigned char *bytes, size_t size, size_t *out_size);
enum net_io net_tls_write(struct net_connection *connection, const char *bytes, size_t size, size_t *out_size);
bool net_tls_has_pending(const struct net_connection *connection);
void net_tls_end(struct net_connection *connection);
