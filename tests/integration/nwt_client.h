/* A device that speaks NWT/1 over plain TCP, for the tests of ingest-tcp: without TLS, with a check value or a MAC. */
#pragma once
#include "auth/hmac.h"
#include "base/crc32c.h"
#include "tests/integration/ingest_stack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    NWT_PATIENCE_S = 20,
    HELLO = 1,
    CHALLENGE,
    AUTH,
    WELCOME,
    DATA,
    ACK,
    NACK,
    PING,
    PONG,
    CMD,
    CMD_RES,
    TIME = 13,
    BYE,
    PAUSE,
    RESUME
};
enum {
    BYE_IS_UNAUTHENTICATED = 3,
    BYE_IS_TAKEN_OVER = 5,
    BYE_IS_REVOKED,
    BYE_IS_GOING,
    BYE_IS_EPOCH = 10,
    BYE_IS_TOO_MANY_FAILURES = 12
};

struct nwt_client {
    int fd;
    bool has_mac;
    unsigned char key[32];
    uint64_t sent, received;
};
struct nwt_frame {
    unsigned type;
    uint64_t sequence;
    unsigned char payload[4096];
    size_t size;
};
static const char *nwt_from = "127.0.0.1"; /* the clients' address */

static inline uint64_t nwt_number(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

static inline void nwt_put(struct buffer *out, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--)
        buffer_put_char(out, (char)(value >> (8 * (i - 1)) & 0xff));
}

static inline struct nwt_client nwt_dial(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    struct sockaddr_in source = { .sin_family = AF_INET };
    struct timeval patience = { .tv_sec = NWT_PATIENCE_S };
    struct nwt_client client = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    inet_pton(AF_INET, nwt_from, &source.sin_addr);
    assert_int_equal(bind(client.fd, (struct sockaddr *)&source, sizeof source), 0);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static inline void nwt_mac(const struct nwt_client *client, unsigned char direction, uint64_t number, const void *bytes,
    size_t size, unsigned char mac[32])
{
    unsigned char head[9] = { direction };
    for (size_t i = 0; i < 8; i++)
        head[1 + i] = (unsigned char)(number >> (56 - 8 * i));
    hmac_sha256(mac, client->key, 32, (const struct hmac_part[]){ { head, 9 }, { bytes, size } }, 2);
}

static inline void nwt_send(struct nwt_client *client, unsigned type, uint64_t sequence, const struct buffer *payload)
{
    AUTO_INPLACE(buffer) frame = { 0 };
    unsigned char mac[32];
    size_t size = payload ? payload->size : 0;
    nwt_put(&frame, 11 + size + (client->has_mac ? 16 : 4), 3);
    nwt_put(&frame, type, 1);
    nwt_put(&frame, client->has_mac, 1);
    nwt_put(&frame, 0, 1);
    nwt_put(&frame, sequence, 8);
    if (size > 0)
        buffer_put(&frame, payload->data, size);
    nwt_mac(client, 0, client->sent, frame.data, frame.size, mac);
    if (client->has_mac) {
        client->sent++;
        buffer_put(&frame, mac, 16);
    } else {
        nwt_put(&frame, crc32c(frame.data, frame.size), 4);
    }
    assert_int_equal(send(client->fd, frame.data, frame.size, MSG_NOSIGNAL), frame.size);
}

static inline bool nwt_bytes(const struct nwt_client *client, void *target, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t count = recv(client->fd, (char *)target + at, size - at, 0);
        if (count <= 0)
            return false;
        at += (size_t)count;
    }
    return true;
}

/* False at the end of the connection. */
static inline bool nwt_next(struct nwt_client *client, struct nwt_frame *out_frame)
{
    unsigned char bytes[4096 + 64], mac[32];
    if (!nwt_bytes(client, bytes, 3))
        return false;
    size_t length = nwt_number(bytes, 3), trailer = 4;
    assert_in_range(length, 15, 4096);
    assert_true(nwt_bytes(client, bytes + 3, length));
    out_frame->type = bytes[3];
    if (client->has_mac) {
        trailer = 16;
        assert_int_equal(bytes[4], 1);
        nwt_mac(client, 1, client->received++, bytes, 3 + length - 16, mac);
        assert_memory_equal(mac, bytes + 3 + length - 16, 16);
    } else {
        assert_int_equal(nwt_number(bytes + 3 + length - 4, 4), crc32c(bytes, 3 + length - 4));
    }
    out_frame->sequence = nwt_number(bytes + 6, 8);
    out_frame->size = length - 11 - trailer;
    memcpy(out_frame->payload, bytes + 14, out_frame->size);
    return true;
}

struct nwt_hello {
    unsigned version, way;
    uint64_t epoch, oldest, next, acknowledged;
    const char *name, *nonce;
};
static inline void nwt_say_hello(struct nwt_client *client, const struct nwt_hello *hello)
{
    AUTO_INPLACE(buffer) body = { 0 };
    nwt_put(&body, hello->version, 1);
    nwt_put(&body, hello->way, 1);
    nwt_put(&body, hello->epoch, 8);
    nwt_put(&body, hello->oldest, 8);
    nwt_put(&body, hello->next, 8);
    nwt_put(&body, hello->acknowledged, 8);
    nwt_put(&body, 0, 8);
    nwt_put(&body, 60, 4);
    nwt_put(&body, strlen(hello->name), 1);
    buffer_put_text(&body, hello->name);
    nwt_put(&body, hello->nonce ? strlen(hello->nonce) : 0, 1);
    buffer_put_text(&body, hello->nonce ? hello->nonce : "");
    nwt_put(&body, 0, 1);
    nwt_send(client, HELLO, 0, &body);
}

static inline void nwt_say_data(struct nwt_client *client, uint64_t first, unsigned count, const char *json)
{
    AUTO_INPLACE(buffer) body = { 0 };
    nwt_put(&body, count, 4);
    nwt_put(&body, 1, 1);
    buffer_put_text(&body, json);
    nwt_send(client, DATA, first, &body);
}

static inline void nwt_say_auth(
    struct nwt_client *client, const struct nwt_hello *hello, const unsigned char *server_nonce, const char *key)
{
    AUTO_INPLACE(buffer) body = { 0 };
    AUTO_INPLACE(buffer) said = { 0 };
    unsigned char mac[32];
    buffer_put(&said, server_nonce, 32);
    nwt_put(&said, strlen(hello->nonce), 1);
    buffer_put_text(&said, hello->nonce);
    nwt_put(&said, strlen(hello->name), 1);
    buffer_put_text(&said, hello->name);
    nwt_put(&said, hello->epoch, 8);
    hmac_sha256(
        mac, key, strlen(key), (const struct hmac_part[]){ { "NWT/1 device", 12 }, { said.data, said.size } }, 2);
    buffer_put(&body, mac, sizeof mac);
    nwt_send(client, AUTH, 0, &body);
    hmac_sha256(client->key, key, strlen(key),
        (const struct hmac_part[]){ { "NWT/1 frames", 12 }, { said.data, said.size } }, 2);
}
