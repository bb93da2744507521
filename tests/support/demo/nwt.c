#include "nwt.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_S = 20,
    MOST_ANSWER = 1024,
    HEADER = 14,
    HELLO = 1,
    WELCOME = 4,
    DATA = 5,
    ACK = 6,
    BYE = 14,
    KEEP_ALIVE_S = 60
};

static bool fail(struct nwt_logger *logger, struct err *err, const char *what)
{
    if (logger->fd > 0)
        close(logger->fd);
    logger->fd = 0;
    return err_set(err, ERR_TRANSIENT, "NWT/1: %s", what);
}

static void put(struct buffer *out, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--)
        buffer_put_char(out, (char)(value >> (8 * (i - 1)) & 0xff));
}

static bool send_frame(int fd, unsigned type, uint64_t sequence, const struct buffer *payload)
{
    AUTO_INPLACE(buffer) frame = { 0 };
    put(&frame, 11 + payload->size + 4, 3);
    put(&frame, type, 1);
    put(&frame, 0, 2);
    put(&frame, sequence, 8);
    buffer_put(&frame, payload->data, payload->size);
    put(&frame, crc32c(frame.data, frame.size), 4);
    return buffer_ok(&frame) && send(fd, frame.data, frame.size, MSG_NOSIGNAL) == (ssize_t)frame.size;
}

static bool read_frame(int fd, unsigned *out_type, uint64_t *out_sequence)
{
    unsigned char bytes[MOST_ANSWER];
    if (recv(fd, bytes, HEADER, MSG_WAITALL) != HEADER)
        return false;
    size_t length = (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2];
    if (length < HEADER - 3 || length > sizeof bytes - 3)
        return false;
    size_t rest = length - (HEADER - 3);
    if (rest > 0 && recv(fd, bytes + HEADER, rest, MSG_WAITALL) != (ssize_t)rest)
        return false;
    *out_type = bytes[3];
    *out_sequence = 0;
    for (int i = 6; i < HEADER; i++)
        *out_sequence = *out_sequence << 8 | bytes[i];
    return true;
}

static bool say_hello(const struct nwt_logger *logger, const char *token)
{
    AUTO_INPLACE(buffer) hello = { 0 };
    put(&hello, 1, 1);             /* version */
    put(&hello, 1, 1);             /* by token */
    put(&hello, logger->epoch, 8); /* its store is this process's memory */
    put(&hello, logger->next, 8);  /* nothing is kept: a record that was not acknowledged is measured anew */
    put(&hello, logger->next, 8);
    put(&hello, logger->next - 1, 8);
    put(&hello, (uint64_t)clock_now_us(), 8);
    put(&hello, KEEP_ALIVE_S, 4);
    put(&hello, strlen(token), 1);
    buffer_put_text(&hello, token);
    put(&hello, 0, 2); /* no nonce, no firmware */
    return send_frame(logger->fd, HELLO, 0, &hello);
}

static bool log_in(struct nwt_logger *logger, int port, const char *token, struct err *err)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    unsigned type;
    uint64_t committed;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    logger->fd = fd > 0 ? fd : 0;
    if (logger->epoch == 0)
        *logger = (struct nwt_logger){ .fd = logger->fd, .epoch = (uint64_t)clock_now_us(), .next = 1 };
    if (fd <= 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return fail(logger, err, "nobody listens");
    if (!say_hello(logger, token) || !read_frame(fd, &type, &committed))
        return fail(logger, err, "no answer to HELLO");
    return type == WELCOME || fail(logger, err, "HELLO is refused");
}

bool nwt_logger_send(struct nwt_logger *logger, int port, const char *token, const char *payload, struct err *err)
{
    AUTO_INPLACE(buffer) body = { 0 };
    unsigned type;
    uint64_t committed = 0;
    if (logger->fd == 0 && !log_in(logger, port, token, err))
        return false;
    uint64_t number = logger->next++;
    put(&body, 1, 4); /* one record */
    put(&body, 1, 1); /* as JSON */
    buffer_put_text(&body, payload);
    if (!send_frame(logger->fd, DATA, number, &body))
        return fail(logger, err, "the connection has ended");
    for (type = 0; type != ACK || committed < number;)
        if (!read_frame(logger->fd, &type, &committed) || type == BYE)
            return fail(logger, err, "no acknowledgement");
    return true;
}
