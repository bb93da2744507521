/* Who is believed to be the proxy in front, and what is made of its word: raw requests on a socket. */
#include "http/http_internal.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void tell(void *context, struct http_request *request)
{
    char text[256];
    const char *certificate = http_request_certificate(request);
    (void)context;
    int size = snprintf(text, sizeof text, "%s %s", http_request_peer(request), certificate ? certificate : "-");
    http_respond(request, 200, "text/plain", text, (size_t)size);
}

static void ask(const char *proxies, const char *secret, const char *headers, char answer[4096])
{
    const struct http_server_config config = { .address = "127.0.0.1:0",
        .threads = 4,
        .request_ms = 2000,
        .keep_alive_ms = 2000,
        .arena_bytes = 65536,
        .proxies = proxies,
        .proxy_secret = secret };
    AUTO(http_server) server = NULL;
    struct err err = { 0 };
    char request[2048];
    assert_true(http_server_open(&server, &config, tell, NULL, &err));
    struct sockaddr_in address = { .sin_family = AF_INET,
        .sin_port = htons((uint16_t)http_server_port(server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    int size = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", headers);
    assert_int_equal(send(fd, request, (size_t)size, 0), size);
    size_t used = 0;
    for (ssize_t got; (got = recv(fd, answer + used, 4095 - used, 0)) > 0;)
        used += (size_t)got;
    answer[used] = '\0';
    close(fd);
}

static void only_the_proxy_that_knows_the_secret_is_believed(void **state)
{
    static const struct {
        const char *name, *proxies, *secret, *headers, *expect;
    } cases[] = {
        { "nobody", "", "", "X-Forwarded-For: 9.9.9.9\r\n", "\r\n\r\n127.0.0.1 -" },
        { "no list", NULL, NULL, "X-Forwarded-For: 9.9.9.9\r\n", "\r\n\r\n127.0.0.1 -" },
        { "another", "10.0.0.1", "", "X-Forwarded-For: 9.9.9.9\r\n", "\r\n\r\n127.0.0.1 -" },
        { "by address", "10.0.0.1, 127.0.0.1", "", "X-Forwarded-For: 9.9.9.9\r\n", "\r\n\r\n9.9.9.9 -" },
        { "by network", "127.0.0.0/8", "", "X-Forwarded-For: 9.9.9.9\r\n", "\r\n\r\n9.9.9.9 -" },
        { "the last of several", "127.0.0.1", "", "X-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n", "\r\n\r\n9.9.9.9 -" },
        { "IPv6", "127.0.0.1", "", "X-Forwarded-For: 2001:db8::1\r\n", "\r\n\r\n2001:db8::1 -" },
        { "no address", "127.0.0.1", "", "X-Forwarded-For: unknown\r\n", "\r\n\r\n127.0.0.1 -" },
        { "said twice", "127.0.0.1", "", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\n",
            "\r\n\r\n127.0.0.1 -" },
        { "no secret", "127.0.0.1", "s3cret", "X-Forwarded-For: 9.9.9.9\r\n", "\r\n\r\n127.0.0.1 -" },
        { "a wrong secret", "127.0.0.1", "s3cret", "Nwims-Proxy-Secret: s3creT\r\nX-Forwarded-For: 9.9.9.9\r\n",
            "\r\n\r\n127.0.0.1 -" },
        { "a part of the secret", "127.0.0.1", "s3cret", "Nwims-Proxy-Secret: s3c\r\nX-Forwarded-For: 9.9.9.9\r\n",
            "\r\n\r\n127.0.0.1 -" },
        { "the secret", "127.0.0.1", "s3cret",
            "Nwims-Proxy-Secret: s3cret\r\nX-Forwarded-For: 9.9.9.9\r\nNwims-Client-Certificate: " DIGEST "\r\n",
            "\r\n\r\n9.9.9.9 " DIGEST },
        { "a certificate from outside", "127.0.0.1", "s3cret", "Nwims-Client-Certificate: " DIGEST "\r\n",
            "\r\n\r\n127.0.0.1 -" },
        { "a certificate that is none", "127.0.0.1", "", "Nwims-Client-Certificate: 0123\r\n", "\r\n\r\n127.0.0.1 -" },
        { "two certificates", "127.0.0.1", "",
            "Nwims-Client-Certificate: " DIGEST "\r\nNwims-Client-Certificate: " DIGEST "\r\n", "\r\n\r\n127.0.0.1 -" },
    };
    char answer[4096];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ask(cases[i].proxies, cases[i].secret, cases[i].headers, answer);
        if (!strstr(answer, cases[i].expect))
            fail_msg("%s: %s", cases[i].name, answer);
    }
}

static void lists_of_proxies_are_addresses_and_networks(void **state)
{
    (void)state;
    assert_true(http_proxy_has_address("10.1.2.3", "10.1.2.3"));
    assert_true(http_proxy_has_address("192.168.0.1,10.0.0.0/8", "10.200.1.1"));
    assert_true(http_proxy_has_address("0.0.0.0/0", "8.8.8.8"));
    assert_true(http_proxy_has_address("10.0.0.4/30", "10.0.0.7"));
    assert_false(http_proxy_has_address("10.0.0.4/30", "10.0.0.8"));
    assert_false(http_proxy_has_address("10.1.2.3", "10.1.2.30"));
    assert_false(http_proxy_has_address("10.0.0.0/33", "10.0.0.0"));
    assert_false(http_proxy_has_address("10.0.0.0/", "10.0.0.0"));
    assert_false(http_proxy_has_address("ten", "10.0.0.0"));
    assert_false(http_proxy_has_address("", "10.0.0.0"));
    assert_false(http_proxy_has_address("10.0.0.1", ""));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_proxy_that_knows_the_secret_is_believed),
        cmocka_unit_test(lists_of_proxies_are_addresses_and_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
