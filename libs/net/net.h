/* Listens for TCP connections, plain or with TLS 1.2 and 1.3, and serves tens of thousands of mostly idle ones with a
 * few threads on epoll. Knows no protocol: bytes in, bytes out, one timer a connection. Hides OpenSSL.
 *
 * A connection belongs to one loop thread. All of its callbacks come on that thread, and whatever takes a struct
 * net_connection is called on that thread only, from within a callback. Others reach it with net_post. No callback may
 * block: everyone on the same loop would wait. A connection that has nothing under way holds no buffer. TLS shakes
 * hands on a thread of its own (the lobby), so that a storm of new connections does not hold up those that are in. */
#pragma once
#include "base/err.h"

struct net_server;
struct net_connection;
struct net_tls;

/* ---- what a protocol is ---- */
enum net_end {
    NET_END_PEER,      /* the peer closed or reset                                    */
    NET_END_OURS,      /* net_close                                                   */
    NET_END_HANDSHAKE, /* TLS could not be agreed on                                  */
    NET_END_LATE,      /* not established within establish_ms                         */
    NET_END_SLOW,      /* did not read what we sent, for stall_ms or beyond the ceiling */
    NET_END_SERVER,    /* net_server_close                                            */
    NET_ENDS
};
const char *net_end_name(enum net_end end);

struct net_protocol {
    /* A new connection, after its TLS handshake. False refuses it. */
    bool (*opened)(void *context, struct net_connection *connection);
    /* What has come and was not taken yet. Gives how many bytes it took; the rest comes again, with more behind it,
     * when more arrives or net_resume is called. After net_pause or net_close it must return. */
    size_t (*received)(void *context, struct net_connection *connection, const unsigned char *bytes, size_t size);
    /* The time of net_set_timer has come. */
    void (*timed_out)(void *context, struct net_connection *connection);
    /* The server is going: say so in the protocol's own way and net_close. */
    void (*draining)(void *context, struct net_connection *connection);
    /* The last call for a connection that opened took; it is gone when this returns. */
    void (*closed)(void *context, struct net_connection *connection, enum net_end end);
    /* May be NULL: after each round of a loop, before what was sent leaves. Gives in how many ms it wants to be called
     * again even if nothing happens; -1: not. */
    int64_t (*turned)(void *context, int loop);
};

struct net_config {
    const char *name;          /* of the threads, at most 10 characters */
    int loops;                 /* threads, 1 to 64 */
    size_t most_connections;   /* beyond it new ones are closed at once */
    size_t most_unestablished; /* so many at a time may be in handshake or login; others wait, accepted but unread */
    int64_t admit_a_second;    /* new connections a second; others wait likewise */
    int64_t establish_ms;      /* from admission to net_established */
    int64_t stall_ms;          /* how long a peer may take nothing of what we send */
    size_t most_output_bytes;  /* waiting to be sent, per connection */
};

/* ---- the server ---- */
/* context is given to every callback. Nothing is accepted before net_listen. */
MUST_CHECK bool net_server_open(struct net_server **out_server, const struct net_config *config,
    const struct net_protocol *protocol, void *context, struct err *err);
/* "127.0.0.1:1883", "0.0.0.0:1883", "[::]:8883", "localhost:0". tls: NULL for plain; borrowed, outlives the server. At
 * most 8. ERR_CONFIG if the address cannot be had. */
MUST_CHECK bool net_listen(struct net_server *server, const char *address, struct net_tls *tls, struct err *err);
/* The port of a listener (0, 1, ... in the order of net_listen), for those who asked for port 0. */
int net_listen_port(const struct net_server *server, size_t listener);
/* Stops accepting, then calls draining for each connection, spread evenly over spread_ms, so that not all come back
 * elsewhere at once; returns when all are closed or wait_ms have passed after that. */
void net_server_drain(struct net_server *server, int64_t spread_ms, int64_t wait_ms);
/* Closes what is left and ends the threads. Posted mail is handled, connections being NULL. */
void net_server_close(struct net_server *server);
AUTO_DEFINE(net_server, net_server_close)
size_t net_server_connections(const struct net_server *server);
int net_server_loops(const struct net_server *server);

/* ---- a connection: on its loop's thread only ---- */
void net_set_state(struct net_connection *connection, void *state); /* the protocol's own; freed by closed */
void *net_state(const struct net_connection *connection);
int net_loop_of(const struct net_connection *connection);
/* The listener that it came in by, counted as by net_listen_port. */
size_t net_listener_of(const struct net_connection *connection);
enum { NET_PEER_SIZE = 56 };
/* "192.0.2.7:4711", "[2001:db8::1]:4711". */
void net_peer(const struct net_connection *connection, char text[NET_PEER_SIZE]);
/* The same without the port. */
void net_peer_host(const struct net_connection *connection, char text[NET_PEER_SIZE]);
/* Copied, and sent at the end of the round. More than most_output_bytes waiting: the connection ends, NET_END_SLOW. */
void net_send(struct net_connection *connection, const void *bytes, size_t size);
size_t net_unsent_bytes(const struct net_connection *connection);
/* No more received until net_resume. */
void net_pause(struct net_connection *connection);
void net_resume(struct net_connection *connection);
/* The peer has shown who it is: establish_ms is over. */
void net_established(struct net_connection *connection);
/* One timer a connection; setting it again moves it. */
void net_set_timer(struct net_connection *connection, int64_t ms);
void net_clear_timer(struct net_connection *connection);
/* What was sent leaves first, for at most a second; nothing is received any more. */
void net_close(struct net_connection *connection);

/* ---- from other threads ---- */
struct net_handle { /* stays good, and finds nothing, after the connection has gone */
    uint32_t loop;
    uint32_t place;
    uint64_t number;
};
struct net_handle net_handle_of(const struct net_connection *connection);
/* Embedded in what is sent, so that posting cannot fail; the handler frees it. connection is NULL if it has gone. */
struct net_mail {
    struct net_mail *next;
    struct net_handle to;
    void (*handler)(void *context, struct net_connection *connection, struct net_mail *mail);
};
/* Any thread; handled on the loop's thread, in the order of posting. With to.number 0 it is for the loop itself. */
void net_post(struct net_server *server, struct net_mail *mail);
/* Any thread: the loop makes a round soon, with its turned. */
void net_wake(struct net_server *server, int loop);
/* On the handle's loop only: NULL if it has gone. */
struct net_connection *net_find(const struct net_server *server, const struct net_handle *handle);

/* ---- TLS ---- */
struct net_tls_config {
    const char *certificate_file; /* PEM, with its chain; "" if there is only PSK */
    const char *key_file;
    bool asks_for_certificate; /* of the peer: any is taken, its fingerprint tells who it is; the protocol decides */
    /* NULL: no PSK. Fills key and gives its size, 0 for an unknown identity. On the lobby's thread, where handshakes
     * are: it may ask for a moment, others in handshake wait meanwhile. */
    size_t (*psk)(void *context, const char *identity, unsigned char *key, size_t key_size);
    void *psk_context;
    /* Sessions are resumed by tickets, whose keys follow from it: with the same one another process takes them, and
     * this one after a restart. "" or NULL: nobody but this process does. */
    const char *ticket_secret;
};
MUST_CHECK bool net_tls_open(struct net_tls **out_tls, const struct net_tls_config *config, struct err *err);
void net_tls_close(struct net_tls *tls);
AUTO_DEFINE(net_tls, net_tls_close)
/* Reads the certificate anew (it was renewed); connections that there are keep theirs. Any thread. */
MUST_CHECK bool net_tls_reload(struct net_tls *tls, struct err *err);
bool net_is_tls(const struct net_connection *connection);
/* NULL if the peer showed no pre-shared key. */
const char *net_psk_identity(const struct net_connection *connection);
enum { NET_FINGERPRINT_SIZE = 32 };
/* SHA-256 of the peer's certificate (DER), whose key it has proven to hold; false if it showed none. */
MUST_CHECK bool net_fingerprint(
    const struct net_connection *connection, unsigned char fingerprint[NET_FINGERPRINT_SIZE]);
