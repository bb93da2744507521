#include "mqtt.h"
#include "base/buffer.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 20, ANSWER_BYTES = 4 };

static bool fail(struct mqtt_logger *logger, struct err *err, const char *what)
{
    if (logger->fd > 0)
        close(logger->fd);
    logger->fd = 0;
    return err_set(err, ERR_TRANSIENT, "MQTT: %s", what);
}

static void put_text(struct buffer *out, const char *text)
{
    buffer_put_char(out, (char)(strlen(text) >> 8 & 0xff));
    buffer_put_char(out, (char)(strlen(text) & 0xff));
    buffer_put_text(out, text);
}

static bool send_packet(int fd, unsigned header, const struct buffer *body)
{
    AUTO_INPLACE(buffer) packet = { 0 };
    size_t left = body->size;
    buffer_put_char(&packet, (char)header);
    do {
        buffer_put_char(&packet, (char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
        left >>= 7;
    } while (left > 0);
    buffer_put(&packet, body->data, body->size);
    return buffer_ok(&packet) && send(fd, packet.data, packet.size, MSG_NOSIGNAL) == (ssize_t)packet.size;
}

/* CONNACK and PUBACK both have four bytes. */
static bool read_answer(int fd, unsigned char answer[ANSWER_BYTES])
{
    return recv(fd, answer, ANSWER_BYTES, MSG_WAITALL) == ANSWER_BYTES;
}

static bool log_in(struct mqtt_logger *logger, int port, const char *client_id, const char *token, struct err *err)
{
    static const char start[] = { 4, (char)0x82, 0, 60 }; /* 3.1.1; clean session, user name; keep-alive 60 s */
    AUTO_INPLACE(buffer) body = { 0 };
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    unsigned char answer[ANSWER_BYTES];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    logger->fd = fd > 0 ? fd : 0;
    if (fd <= 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return fail(logger, err, "nobody listens");
    put_text(&body, "MQTT");
    buffer_put(&body, start, sizeof start);
    put_text(&body, client_id);
    put_text(&body, token);
    if (!send_packet(fd, 0x10, &body) || !read_answer(fd, answer))
        return fail(logger, err, "no answer to CONNECT");
    return answer[3] == 0 || fail(logger, err, "CONNECT is refused");
}

bool mqtt_logger_send(struct mqtt_logger *logger, int port, const char *client_id, const char *token, const char *topic,
    const char *payload, struct err *err)
{
    AUTO_INPLACE(buffer) body = { 0 };
    unsigned char answer[ANSWER_BYTES];
    if (logger->fd == 0 && !log_in(logger, port, client_id, token, err))
        return false;
    logger->packet_id = logger->packet_id % 65535 + 1;
    put_text(&body, topic);
    buffer_put_char(&body, (char)(logger->packet_id >> 8));
    buffer_put_char(&body, (char)(logger->packet_id & 0xff));
    buffer_put_text(&body, payload);
    if (!send_packet(logger->fd, 0x32, &body) || !read_answer(logger->fd, answer) || answer[0] != 0x40)
        return fail(logger, err, "no acknowledgement");
    return true;
}
