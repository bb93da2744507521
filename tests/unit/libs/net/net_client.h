/* The other end, for the tests of libs/net: blocking sockets, and what else they need. */
#pragma once
#include "base/clock.h"
#include "net/net.h"
#include "tests/support/test_identity.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* after the four that it needs */
#include <cmocka.h>

enum { PATIENCE_S = 20 };

static inline int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void expect_text(int fd, const char *text)
{
    char got[256] = "";
    size_t size = 0, wanted = strlen(text);
    while (size < wanted) {
        ssize_t count = recv(fd, got + size, wanted - size, 0);
        assert_true(count > 0);
        size += (size_t)count;
    }
    assert_memory_equal(got, text, wanted);
}

static inline void expect_end(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

/* Waits until it is so, as long as a busy machine may need. */
#define EVENTUALLY(condition)                                                                                          \
    do {                                                                                                               \
        int64_t end_us_ = clock_monotonic_us() + PATIENCE_S * INT64_C(1000000);                                        \
        while (!(condition) && clock_monotonic_us() < end_us_)                                                         \
            clock_sleep_ms(2);                                                                                         \
        assert_true(condition);                                                                                        \
    } while (0)
