#include "base/clock.h"
#include "dialect.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BYTES = 64, EVENTS = 512, LATENCY_SLOTS = 200000, SLOT_US = 50 };

enum state { STATE_OUT, STATE_CONNECTING, STATE_HANDSHAKE, STATE_GREETING, STATE_IN };
struct device {
    int fd;
    SSL *ssl;
    SSL_SESSION *session; /* the newest ticket: what a device that comes back shows */
    enum state state;
    struct dialect_count messages;
    uint8_t in_size, first, count;
    unsigned char in[IN_BYTES];
    int64_t sent_us[FLEET_MOST_WINDOW];
};
struct fleet {
    struct fleet_config config;
    struct fleet_counts counts;
    struct device *devices;
    int epoll;
    size_t under_way, next, next_to_connect;
    uint64_t number;
    uint32_t *latency; /* by SLOT_US */
};

/* Takes the ticket: OpenSSL keeps none. */
static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct device *device = SSL_get_app_data(ssl);
    SSL_SESSION_free(device->session);
    device->session = session;
    return 1;
}

struct fleet *fleet_new(const struct fleet_config *config)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (!fleet)
        return NULL;
    fleet->config = *config;
    fleet->devices = calloc(config->count, sizeof *fleet->devices);
    fleet->latency = calloc(LATENCY_SLOTS, sizeof *fleet->latency);
    fleet->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (config->tls && !config->forgets_tickets) {
        SSL_CTX_set_session_cache_mode(config->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(config->tls, keep_ticket);
    }
    if (fleet->devices && fleet->latency && fleet->epoll >= 0)
        return fleet;
    fleet_free(fleet);
    return NULL;
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    for (size_t i = 0; fleet->devices && i < fleet->config.count; i++) {
        SSL_free(fleet->devices[i].ssl);
        SSL_SESSION_free(fleet->devices[i].session);
        if (fleet->devices[i].state != STATE_OUT)
            close(fleet->devices[i].fd);
    }
    if (fleet->epoll >= 0)
        close(fleet->epoll);
    free(fleet->devices);
    free(fleet->latency);
    free(fleet);
}

/* ---- bytes ---- */
static bool put(struct device *device, const void *bytes, size_t size)
{
    if (device->ssl)
        return SSL_write(device->ssl, bytes, (int)size) == (int)size;
    return send(device->fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* 0: nothing there; -1: it is over. */
static ssize_t get(struct device *device, void *bytes, size_t size)
{
    if (device->ssl) {
        int count = SSL_read(device->ssl, bytes, (int)size);
        return count > 0 ? count : SSL_get_error(device->ssl, count) == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    ssize_t count = recv(device->fd, bytes, size, 0);
    return count > 0 ? count : count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Without a word to the peer; to OpenSSL it ends in order, or it would spoil the ticket. */
static void drop_tls(struct device *device)
{
    if (!device->ssl)
        return;
    SSL_set_quiet_shutdown(device->ssl, 1);
    if (SSL_is_init_finished(device->ssl))
        SSL_shutdown(device->ssl);
    SSL_free(device->ssl);
}

static void hang_up(struct fleet *fleet, struct device *device)
{
    fleet->counts.connected -= device->state == STATE_IN ? 1 : 0;
    fleet->under_way -= device->state != STATE_IN ? 1 : 0;
    drop_tls(device);
    close(device->fd);
    *device = (struct device){ .fd = -1, .session = device->session };
}

static void lose(struct fleet *fleet, struct device *device)
{
    fleet->counts.lost++;
    hang_up(fleet, device);
}

void fleet_hang_up(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->config.count; i++)
        if (fleet->devices[i].state != STATE_OUT)
            hang_up(fleet, &fleet->devices[i]);
}

/* ---- connecting ---- */
static bool greet(struct fleet *fleet, struct device *device)
{
    unsigned char packet[DIALECT_PACKET_BYTES];
    size_t size = fleet->config.dialect->greet(&fleet->config, (size_t)(device - fleet->devices), packet);
    device->state = STATE_GREETING;
    return put(device, packet, size);
}

static bool shake_hands(struct fleet *fleet, struct device *device)
{
    int result = SSL_connect(device->ssl);
    if (result == 1) {
        fleet->counts.resumed += SSL_session_reused(device->ssl) ? 1 : 0;
        return greet(fleet, device);
    }
    int reason = SSL_get_error(device->ssl, result);
    return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
}

static bool watch(struct fleet *fleet, struct device *device, uint32_t events, int how)
{
    struct epoll_event event = { .events = events, .data.ptr = device };
    return epoll_ctl(fleet->epoll, how, device->fd, &event) == 0;
}

static bool begin(struct fleet *fleet, struct device *device)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)fleet->config.port) };
    int on = 1;
    inet_pton(AF_INET, fleet->config.host, &address.sin_addr);
    device->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (device->fd < 0)
        return false;
    setsockopt(device->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int result = connect(device->fd, (struct sockaddr *)&address, sizeof address);
    device->state = STATE_CONNECTING;
    if (result == 0 || errno == EINPROGRESS)
        return watch(fleet, device, EPOLLOUT, EPOLL_CTL_ADD);
    return false;
}

static bool connected(struct fleet *fleet, struct device *device)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(device->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || !watch(fleet, device, EPOLLIN, EPOLL_CTL_MOD))
        return false;
    if (!fleet->config.tls)
        return greet(fleet, device);
    device->ssl = SSL_new(fleet->config.tls);
    device->state = STATE_HANDSHAKE;
    return device->ssl && SSL_set_fd(device->ssl, device->fd) == 1 && SSL_set_app_data(device->ssl, device) == 1 &&
           (!device->session || SSL_set_session(device->ssl, device->session) == 1) && shake_hands(fleet, device);
}

/* ---- what comes ---- */
static void note_latency(struct fleet *fleet, struct device *device)
{
    int64_t slot = (clock_monotonic_us() - device->sent_us[device->first]) / SLOT_US;
    fleet->latency[slot < LATENCY_SLOTS ? slot : LATENCY_SLOTS - 1]++;
    device->first = (uint8_t)((device->first + 1) % FLEET_MOST_WINDOW);
    device->count--;
    device->messages.acknowledged++;
    fleet->counts.acknowledged++;
}

static bool take(struct fleet *fleet, struct device *device, const struct dialect_heard *heard)
{
    if (device->state == STATE_GREETING) {
        if (!heard->is_welcome)
            return false;
        device->state = STATE_IN;
        fleet->counts.connected++;
        fleet->under_way--;
    }
    for (uint64_t i = 0; i < heard->acknowledged && device->count > 0; i++)
        note_latency(fleet, device);
    return true;
}

static bool receive(struct fleet *fleet, struct device *device)
{
    for (;;) {
        ssize_t count = get(device, device->in + device->in_size, (size_t)(IN_BYTES - device->in_size));
        if (count <= 0)
            return count == 0;
        device->in_size = (uint8_t)(device->in_size + count);
        uint8_t at = 0;
        for (ssize_t size = 1; size > 0; at = (uint8_t)(at + size)) {
            struct dialect_heard heard = { 0 };
            size =
                fleet->config.dialect->hear(&device->messages, device->in + at, (size_t)(device->in_size - at), &heard);
            if (size < 0 || (size > 0 && !take(fleet, device, &heard)))
                return false;
        }
        memmove(device->in, device->in + at, (size_t)(device->in_size - at));
        device->in_size = (uint8_t)(device->in_size - at);
        if (device->in_size == IN_BYTES)
            return false; /* nothing that long is said to a load */
    }
}

static void handle(struct fleet *fleet, struct device *device)
{
    bool ok = device->state == STATE_CONNECTING  ? connected(fleet, device)
              : device->state == STATE_HANDSHAKE ? shake_hands(fleet, device)
              : device->state != STATE_OUT       ? receive(fleet, device)
                                                 : true;
    if (!ok)
        lose(fleet, device);
}

static void poll_all(struct fleet *fleet, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(fleet->epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < count; i++)
        handle(fleet, events[i].data.ptr);
}

bool fleet_connect(struct fleet *fleet, size_t at_a_time, int64_t wait_ms)
{
    int64_t end_us = clock_monotonic_us() + wait_ms * 1000;
    while (fleet->counts.connected < fleet->config.count && clock_monotonic_us() < end_us) {
        for (size_t looked = 0; fleet->under_way < at_a_time && looked < fleet->config.count; looked++) {
            struct device *device = &fleet->devices[fleet->next_to_connect];
            fleet->next_to_connect = (fleet->next_to_connect + 1) % fleet->config.count;
            if (device->state != STATE_OUT)
                continue;
            fleet->under_way++;
            if (!begin(fleet, device))
                lose(fleet, device);
        }
        poll_all(fleet, 20);
    }
    return fleet->counts.connected == fleet->config.count;
}

/* ---- sending ---- */
/* A device that has fallen behind sends what it may in one go, as one that was offline does. */
static bool publish(struct fleet *fleet, struct device *device, size_t count)
{
    unsigned char packets[FLEET_MOST_WINDOW * DIALECT_PACKET_BYTES];
    size_t size = 0;
    int64_t now_us = clock_monotonic_us();
    for (; count > 0; count--) {
        device->messages.sent++;
        size += fleet->config.dialect->message(
            &fleet->config, &device->messages, (size_t)(device - fleet->devices), fleet->number++, packets + size);
        device->sent_us[(device->first + device->count) % FLEET_MOST_WINDOW] = now_us;
        device->count++;
        fleet->counts.sent++;
    }
    return put(device, packets, size);
}

void fleet_turn(struct fleet *fleet, uint64_t most, int wait_ms)
{
    for (size_t looked = 0; looked < fleet->config.count && most > 0; looked++) {
        struct device *device = &fleet->devices[fleet->next];
        fleet->next = (fleet->next + 1) % fleet->config.count;
        if (device->state != STATE_IN || device->count >= fleet->config.window)
            continue;
        size_t room = fleet->config.window - device->count, count = most < room ? (size_t)most : room;
        most -= count;
        if (!publish(fleet, device, count))
            lose(fleet, device);
    }
    poll_all(fleet, wait_ms);
}

const struct fleet_counts *fleet_counts(const struct fleet *fleet)
{
    return &fleet->counts;
}

double fleet_latency_ms(const struct fleet *fleet, double share)
{
    uint64_t all = 0, seen = 0;
    for (size_t i = 0; i < LATENCY_SLOTS; i++)
        all += fleet->latency[i];
    for (size_t i = 0; i < LATENCY_SLOTS; i++) {
        seen += fleet->latency[i];
        if ((double)seen >= share * (double)all && all > 0)
            return (double)(i + 1) * SLOT_US / 1000.0;
    }
    return 0;
}

void fleet_forget(struct fleet *fleet)
{
    memset(fleet->latency, 0, LATENCY_SLOTS * sizeof *fleet->latency);
}
