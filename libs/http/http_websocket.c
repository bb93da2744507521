#include "http/http_websocket.h"
#include "base/base64.h"
#include "base/sha1.h"
#include "http/http_internal.h"
#include "http/websocket_frames.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { READ_PIECE = 4096, KEY_LENGTH = 24, BROKEN = 1002, TOO_BIG = 1009 };

struct http_websocket {
    struct http_request *request;
    int fd;
    struct frame_reader reader;
    bool is_closed;
};

/* ---- the handshake -------------------------------------------------------------------------------------------------
 */

/* Whether the list of tokens has the word, in any case. */
static bool has_token(const char *list, const char *word)
{
    size_t wanted = strlen(word);
    for (const char *at = list ? list : ""; *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        if (length == wanted && strncasecmp(at, word, length) == 0)
            return true;
        at += length;
    }
    return false;
}

bool http_websocket_wanted(const struct http_request *request)
{
    return has_token(http_request_header(request, "Upgrade"), "websocket");
}

static bool is_good(const struct http_request *request, struct err *err)
{
    unsigned char bytes[KEY_LENGTH];
    size_t size = 0;
    const char *key = http_request_header(request, "Sec-WebSocket-Key");
    const char *version = http_request_header(request, "Sec-WebSocket-Version");
    if (strcmp(request->info->request_method, "GET") != 0 || request->is_old ||
        !has_token(http_request_header(request, "Connection"), "upgrade"))
        return err_set(err, ERR_INPUT, "a WebSocket begins with GET, Connection: Upgrade and Upgrade: websocket");
    if (!version || strcmp(version, "13") != 0)
        return err_set(err, ERR_INPUT, "Sec-WebSocket-Version must be 13");
    if (!key || strlen(key) != KEY_LENGTH || !base64_decode(bytes, &size, key, KEY_LENGTH) || size != 16)
        return err_set(err, ERR_INPUT, "Sec-WebSocket-Key must be 16 bytes in base64");
    return true;
}

static void write_accept(struct buffer *out, const char *key)
{
    static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, section 1.3 */
    char text[KEY_LENGTH + sizeof suffix];
    unsigned char digest[SHA1_SIZE];
    int length = snprintf(text, sizeof text, "%.*s%s", KEY_LENGTH, key, suffix);
    sha1(digest, text, (size_t)length);
    base64_encode(out, digest, sizeof digest);
}

bool http_websocket_open(struct http_websocket **out_socket, struct http_request *request, struct err *err)
{
    AUTO_INPLACE(buffer) head = { 0 };
    if (!is_good(request, err))
        return false;
    struct http_websocket *socket = arena_alloc(http_request_arena(request), sizeof *socket);
    int fd = http_socket_of(request);
    if (!socket || fd < 0)
        return err_set(err, ERR_LIMIT, "no memory for a WebSocket");
    buffer_put_text(&head,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
    write_accept(&head, http_request_header(request, "Sec-WebSocket-Key"));
    buffer_put_text(&head, "\r\n");
    buffer_put(&head, request->worker->headers.data, request->worker->headers.size);
    buffer_put_text(&head, "\r\n");
    if (!buffer_ok(&head))
        return err_set(err, ERR_LIMIT, "no memory for a WebSocket");
    request->status = 101;
    request->must_close = true;
    *socket = (struct http_websocket){ .request = request, .fd = fd };
    socket->is_closed = !http_send(request->connection, head.data, head.size);
    *out_socket = socket;
    return true;
}

/* ---- frames
 * ---------------------------------------------------------------------------------------------------------- */

static bool send_frame(struct http_websocket *socket, enum frame_opcode opcode, const void *data, size_t size)
{
    struct buffer *out = &socket->request->worker->out;
    unsigned char head[FRAME_HEAD_SIZE];
    if (socket->is_closed || atomic_load(&socket->request->worker->server->is_closing))
        return false;
    size_t head_size = frame_head(head, opcode, size);
    buffer_reset(out);
    buffer_put(out, head, head_size);
    if (size <= ONE_WRITE_BYTES)
        buffer_put(out, data, size);
    bool ok = buffer_ok(out) && http_send(socket->request->connection, out->data, out->size) &&
              (size <= ONE_WRITE_BYTES || http_send(socket->request->connection, data, size));
    socket->is_closed = !ok;
    return ok;
}

bool http_websocket_send(struct http_websocket *socket, const void *text, size_t size)
{
    return send_frame(socket, FRAME_TEXT, text, size);
}

bool http_websocket_ping(struct http_websocket *socket)
{
    return send_frame(socket, FRAME_PING, NULL, 0);
}

void http_websocket_close(struct http_websocket *socket, int code, const char *reason)
{
    char payload[FRAME_LONGEST_CONTROL];
    int length = snprintf(payload + 2, sizeof payload - 2, "%s", reason);
    size_t size = 2 + (length < 0 ? 0 : (size_t)length < sizeof payload - 2 ? (size_t)length : sizeof payload - 3);
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    if (send_frame(socket, FRAME_CLOSE, payload, size))
        socket->is_closed = true;
}

static bool take_control(struct http_websocket *socket)
{
    struct frame_reader *reader = &socket->reader;
    if (reader->opcode == FRAME_PING)
        return send_frame(socket, FRAME_PONG, reader->payload, reader->payload_size);
    if (reader->opcode == FRAME_PONG)
        return true;
    http_websocket_close(socket, WEBSOCKET_NORMAL, "");
    return false;
}

static bool take_bytes(struct http_websocket *socket, const unsigned char *bytes, size_t size)
{
    for (size_t taken = 0;; bytes += taken, size -= taken) {
        switch (frame_read(&socket->reader, bytes, size, &taken)) {
        case FRAME_MORE:
            return true;
        case FRAME_CONTROL:
            if (!take_control(socket))
                return false;
            break;
        case FRAME_BROKEN:
            http_websocket_close(socket, BROKEN, "this is no frame");
            return false;
        case FRAME_TOO_BIG:
            http_websocket_close(socket, TOO_BIG, "the message is too long");
            return false;
        }
    }
}

bool http_websocket_look(struct http_websocket *socket)
{
    unsigned char bytes[READ_PIECE];
    for (int i = 0; i < 16 && !socket->is_closed; i++) {
        ssize_t count = recv(socket->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return true;
        if (count <= 0)
            return false;
        if (!take_bytes(socket, bytes, (size_t)count))
            return false;
    }
    return !socket->is_closed;
}
