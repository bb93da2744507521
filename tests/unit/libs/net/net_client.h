/* The other end, for the tests of libs/net: blocking sockets, OpenSSL, a certificate made on the spot. */
#pragma once
#include "base/clock.h"
#include "net/net.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
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

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    char key_file[64], certificate_file[64];
};

static inline void write_pem(char path[64], const char *name, struct identity *identity, bool is_key)
{
    snprintf(path, 64, "/tmp/nwims-net-test-%d-%s", (int)getpid(), name);
    BIO *file = BIO_new_file(path, "w");
    assert_non_null(file);
    assert_int_equal(is_key ? PEM_write_bio_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL)
                            : PEM_write_bio_X509(file, identity->certificate),
        1);
    BIO_free(file);
}

static inline void identity_make(struct identity *identity, const char *name)
{
    char file[32];
    identity->key = EVP_EC_gen("P-256");
    identity->certificate = X509_new();
    assert_true(identity->key && identity->certificate);
    X509_set_version(identity->certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(identity->certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(identity->certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(identity->certificate), 3600);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(identity->certificate), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(identity->certificate, X509_get_subject_name(identity->certificate));
    X509_set_pubkey(identity->certificate, identity->key);
    assert_true(X509_sign(identity->certificate, identity->key, EVP_sha256()) > 0);
    snprintf(file, sizeof file, "%s.key", name);
    write_pem(identity->key_file, file, identity, true);
    snprintf(file, sizeof file, "%s.pem", name);
    write_pem(identity->certificate_file, file, identity, false);
}

static inline void identity_done(struct identity *identity)
{
    unlink(identity->key_file);
    unlink(identity->certificate_file);
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}
