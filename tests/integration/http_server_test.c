/* The HTTP server as callers and attackers meet it: raw bytes on a socket. */
#include "base/clock.h"
#include "http/http_client.h"
#include "http/http_server.h"
#include "http/problem.h"
#include "metrics/metrics.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { CEILING = 100000, REQUEST_MS = 800, LARGE = 300000, ANSWER_SIZE = 512 * 1024 };

static struct http_server *server;
static atomic_int calls;
static char answer[ANSWER_SIZE], large[LARGE];

/* ---- the handler under test ---- */

static void echo(struct http_request *request)
{
    const char *body;
    size_t size;
    struct err err = { 0 };
    if (!http_request_body(request, CEILING, &body, &size, &err)) {
        struct err second = { 0 };
        assert_false(http_request_body(request, CEILING, &body, &size, &second));
        assert_int_equal(second.kind, ERR_BUG);
        http_problem(request, err.kind == ERR_LIMIT ? 413 : err.kind == ERR_DEADLINE ? 408 : 400, NULL, err.text);
        return;
    }
    assert_int_equal(body[size], '\0');
    http_respond(request, 200, "application/octet-stream", body, size);
}

static bool list_pair(void *context, const char *name, const char *value)
{
    buffer_printf(context, "%s=%s;", name, value);
    return strcmp(name, "stop") != 0;
}

static void describe(struct http_request *request)
{
    AUTO_INPLACE(buffer) text = { 0 };
    const char *q = http_request_query_value(request, "q"), *own = http_request_header(request, "x-OWN");
    buffer_printf(&text, "%s|%s|%s|%s|%s|%s|%lld|", http_request_method(request), http_request_path(request),
        http_request_query(request), http_request_peer(request), q ? q : "-", own ? own : "-",
        (long long)http_request_content_length(request));
    if (!http_request_query_each(request, list_pair, &text))
        buffer_put_text(&text, "malformed");
    assert_true(http_request_started_us(request) <= clock_monotonic_us());
    http_respond_header(request, "X-Split", "a\r\nX-Evil: 1");
    http_respond_header(request, "X-Good", "yes");
    for (int i = 0; i < 40; i++)
        http_respond_header(request, "X-Many", "m");
    http_respond(request, 200, "text/plain", text.data, text.size);
    http_respond(request, 500, NULL, NULL, 0); /* too late */
    assert_int_equal(http_request_status(request), 200);
}

static void stream(struct http_request *request)
{
    http_stream_begin(request, 200, "text/plain");
    assert_true(http_stream_write(request, "first", 5));
    assert_true(http_stream_write(request, "", 0));
    assert_true(http_stream_write(request, large, sizeof large));
    if (strcmp(http_request_path(request), "/stream/broken") != 0)
        http_stream_end(request);
}

static void stream_until_stopped(struct http_request *request)
{
    http_stream_begin(request, 200, "text/event-stream");
    while (!http_request_is_draining(request) && http_stream_write(request, "tick\n", 5))
        clock_sleep_ms(20);
    http_stream_end(request);
}

static void complain(struct http_request *request)
{
    const struct problem_field fields[] = {
        { .field = "value", .code = "range", .reason = "is too large", .index = 3 },
        { .index = -1 },
    };
    const struct problem problem = { .status = 429,
        .type = "slow-down",
        .detail = "ask \"later\"",
        .request_id = "r-1",
        .fields = fields,
        .field_count = COUNT_OF(fields),
        .retry_after_s = 7 };
    if (strcmp(http_request_query(request), "who") == 0)
        http_problem(request, 401, NULL, NULL);
    else
        problem_respond(request, &problem);
}

static void overflow(struct http_request *request)
{
    static char value[60000];
    memset(value, 'v', sizeof value - 1);
    http_respond_header(request, "X-Long", value);
    http_respond(request, 200, "text/plain", "x", 1);
}

static void handle(void *context, struct http_request *request)
{
    const char *path = http_request_path(request);
    assert_ptr_equal(context, &calls);
    atomic_fetch_add(&calls, 1);
    if (strcmp(path, "/echo") == 0)
        echo(request);
    else if (strncmp(path, "/describe", 9) == 0)
        describe(request);
    else if (strcmp(path, "/large") == 0)
        http_respond(request, 200, "text/plain", large, sizeof large);
    else if (strcmp(path, "/nothing") == 0)
        http_respond(request, 204, "text/plain", "ignored", 7);
    else if (strcmp(path, "/empty") == 0)
        http_respond(request, 200, NULL, "ignored", 7);
    else if (strncmp(path, "/stream", 7) == 0)
        stream(request);
    else if (strcmp(path, "/events") == 0)
        stream_until_stopped(request);
    else if (strcmp(path, "/problem") == 0)
        complain(request);
    else if (strcmp(path, "/overflow") == 0)
        overflow(request);
    else if (strcmp(path, "/slow") == 0) {
        clock_sleep_ms(300);
        http_respond(request, 200, "text/plain", "slow", 4);
    } else if (strcmp(path, "/silent") != 0)
        http_respond(request, 200, "text/plain", "ok", 2);
}

static const struct http_server_config config = {
    .address = "127.0.0.1:0",
    .threads = 12,
    .request_ms = REQUEST_MS,
    .keep_alive_ms = 2000,
    .arena_bytes = 64 * 1024,
};

static int start(void **state)
{
    struct err err = { 0 };
    (void)state;
    memset(large, 'x', sizeof large);
    return http_server_open(&server, &config, handle, &calls, &err) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    http_server_close(server);
    return 0;
}

/* ---- the caller ---- */

static int dial_port(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    const struct timeval wait = { .tv_sec = 5 };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int dial(void)
{
    return dial_port(http_server_port(server));
}

static void put_bytes(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t count = send(fd, at, size, MSG_NOSIGNAL);
        if (count <= 0)
            return;
        at += count;
        size -= (size_t)count;
    }
}

static void put(int fd, const char *text)
{
    put_bytes(fd, text, strlen(text));
}

/* Everything until the server closes. */
static size_t get_all(int fd)
{
    size_t length = 0;
    for (ssize_t count; length + 1 < sizeof answer; length += (size_t)count)
        if ((count = recv(fd, answer + length, sizeof answer - 1 - length, 0)) <= 0)
            break;
    answer[length] = '\0';
    return length;
}

/* One answer with a Content-Length (or none, for 204), and nothing of the next. */
static void get_one(int fd)
{
    size_t length = 0, wanted = 0;
    answer[0] = '\0';
    while (length + 1 < sizeof answer && (wanted == 0 || length < wanted)) {
        ssize_t count = recv(fd, answer + length, wanted ? wanted - length : 1, 0);
        if (count <= 0)
            return;
        length += (size_t)count;
        answer[length] = '\0';
        if (wanted == 0 && length >= 4 && memcmp(answer + length - 4, "\r\n\r\n", 4) == 0) {
            const char *size = strcasestr(answer, "Content-Length: ");
            wanted = length + (size ? strtoul(size + 16, NULL, 10) : 0);
        }
    }
}

static int status(void)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

static const char *answer_body(void)
{
    const char *body = strstr(answer, "\r\n\r\n");
    return body ? body + 4 : "";
}

static bool says_close(void)
{
    return strstr(answer, "Connection: close\r\n");
}

static bool still_open(int fd)
{
    put(fd, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    return status() == 200 && strcmp(answer_body(), "ok") == 0;
}

static double metric_named(const char *start)
{
    AUTO_INPLACE(buffer) text = { 0 };
    metrics_render(&text, "test", "0");
    const char *at = strstr(text.data, start);
    return at ? strtod(at + strlen(start), NULL) : -1;
}

/* ---- what is answered ---- */

static void answers_are_whole_and_the_connection_stays(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_int_equal(status(), 200);
    assert_string_equal(answer_body(), "ok");
    assert_non_null(strstr(answer, "Content-Length: 2\r\n"));
    assert_non_null(strstr(answer, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(answer, " GMT\r\n"));
    assert_false(says_close());
    assert_true(still_open(fd));
    put(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_int_equal(strlen(answer_body()), LARGE);
    assert_true(still_open(fd));
    close(fd);
}

static void several_requests_at_once_are_answered_in_order(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /x HTTP/1.1\r\nHost: a\r\n\r\n"
            "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nunreGET /describe HTTP/1.1\r\nHost: "
            "a\r\nConnection: close\r\n\r\n");
    get_all(fd);
    assert_non_null(strstr(answer, "\r\n\r\noneHTTP/1.1 200 OK"));
    const char *last = strstr(answer, "GET|/describe|");
    assert_non_null(last);
    assert_null(strstr(answer, " 400 "));
    close(fd);
}

static void head_is_answered_as_get_without_a_body(void **state)
{
    (void)state;
    int fd = dial();
    put(fd,
        "HEAD /large HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n"
        "Connection: close\r\n\r\n");
    get_all(fd);
    assert_non_null(strstr(answer, "Content-Length: 300000\r\n"));
    assert_null(strstr(answer, "xxxx"));
    assert_null(strstr(answer, "first"));
    assert_non_null(strstr(answer, "\r\n\r\nok"));
    close(fd);
}

static void answers_without_a_body_have_none(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_int_equal(status(), 204);
    assert_null(strstr(answer, "Content-Length"));
    put(fd, "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_non_null(strstr(answer, "Content-Length: 0\r\n"));
    assert_null(strstr(answer, "ignored"));
    assert_true(still_open(fd));
    close(fd);
}

static void requests_are_seen_decoded(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /describe/%C3%A4%20b?q=a%26b+c&q=2&&empty&x=%41 HTTP/1.1\r\nHost: a\r\nX-Own:  v \r\n\r\n");
    get_one(fd);
    assert_string_equal(answer_body(),
        "GET|/describe/\xc3\xa4 b|q=a%26b+c&q=2&&empty&x=%41|127.0.0.1|a&b c|v |0|q=a&b c;q=2;empty=;x=A;");
    assert_non_null(strstr(answer, "X-Good: yes\r\n"));
    assert_null(strstr(answer, "X-Evil"));
    size_t many = 0;
    for (const char *at = strstr(answer, "X-Many"); at; at = strstr(at + 1, "X-Many"))
        many++;
    assert_int_equal(many, 23); /* 24 in all */
    put(fd, "GET /describe?stop=1&q=2 HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_non_null(strstr(answer_body(), "|0|stop=1;"));
    assert_null(strstr(answer_body(), "q=2;"));
    static const char *const malformed[] = { "a=%zz", "a=%00", "%f=1", "a=%ff" };
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        char request[128];
        snprintf(request, sizeof request, "GET /describe?%s HTTP/1.1\r\nHost: a\r\n\r\n", malformed[i]);
        put(fd, request);
        get_one(fd);
        assert_non_null(strstr(answer_body(), "|-|-|0|malformed"));
    }
    close(fd);
}

static void a_handler_that_does_not_answer_is_answered_for(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_int_equal(status(), 500);
    assert_true(still_open(fd));
    put(fd, "GET /overflow HTTP/1.1\r\nHost: a\r\n\r\n");
    get_all(fd);
    assert_int_equal(status(), 500);
    close(fd);
}

static void problems_say_what_is_wrong(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /problem HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_int_equal(status(), 429);
    assert_non_null(strstr(answer, "Retry-After: 7\r\n"));
    assert_non_null(strstr(answer, "Content-Type: application/problem+json\r\n"));
    assert_string_equal(answer_body(),
        "{\"type\":\"urn:nwims:problem:slow-down\",\"title\":\"Too Many Requests\",\"status\":429,\"detail\":\"ask "
        "\\\"later\\\"\","
        "\"instance\":\"/"
        "problem\",\"request_id\":\"r-1\",\"errors\":[{\"index\":3,\"field\":\"value\",\"code\":\"range\","
        "\"reason\":\"is too large\"},{\"reason\":\"is wrong\"}]}");
    put(fd, "GET /problem?who HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    assert_int_equal(status(), 401);
    assert_non_null(strstr(answer, "WWW-Authenticate: Bearer"));
    assert_non_null(strstr(answer_body(), "urn:nwims:problem:unauthenticated"));
    assert_true(still_open(fd));
    close(fd);
    assert_string_equal(http_status_text(799), "Unknown");
}

static void errors_have_their_status(void **state)
{
    (void)state;
    static const struct {
        enum err_kind kind;
        int status;
    } cases[] = { { ERR_NONE, 200 }, { ERR_INPUT, 422 }, { ERR_UNAUTHENTICATED, 401 }, { ERR_DENIED, 403 },
        { ERR_NOT_FOUND, 404 }, { ERR_CONFLICT, 409 }, { ERR_LIMIT, 429 }, { ERR_TRANSIENT, 503 },
        { ERR_DEADLINE, 504 }, { ERR_BUG, 500 }, { ERR_CONFIG, 500 } };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(problem_status_of(cases[i].kind), cases[i].status);
}

static void old_callers_are_served(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /x HTTP/1.0\r\n\r\n");
    get_all(fd);
    assert_int_equal(status(), 200);
    assert_true(says_close());
    close(fd);
    fd = dial();
    put(fd, "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    get_one(fd);
    assert_non_null(strstr(answer, "Connection: keep-alive\r\n"));
    put(fd, "GET /stream HTTP/1.0\r\n\r\n");
    get_all(fd);
    assert_null(strstr(answer, "chunked"));
    assert_int_equal(strlen(answer_body()), 5 + LARGE);
    close(fd);
}

static void streams_come_in_chunks_and_end(void **state)
{
    (void)state;
    AUTO(http_client) client = NULL;
    AUTO_INPLACE(buffer) body = { 0 };
    struct err err = { 0 };
    char url[64];
    int code = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/stream", http_server_port(server));
    assert_true(http_client_open(&client, &err));
    struct http_call call = { .method = "GET", .url = url, .timeout_ms = 3000 };
    assert_true(http_client_call(client, &call, &code, &body, &err));
    assert_int_equal(code, 200);
    assert_int_equal(body.size, 5 + LARGE);
    assert_string_equal(http_client_header(client, "transfer-encoding"), "chunked");
    assert_null(http_client_header(client, "x-none"));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/stream/broken", http_server_port(server));
    assert_false(http_client_call(client, &call, &code, NULL, &err)); /* without its end it is not taken for whole */
    assert_int_equal(err.kind, ERR_TRANSIENT);
}

/* ---- bodies ---- */

static void bodies_are_read_whole(void **state)
{
    (void)state;
    static char big[CEILING + 1];
    char head[128];
    memset(big, 'b', sizeof big);
    int fd = dial();
    const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 65536, CEILING };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", sizes[i]);
        put(fd, head);
        put_bytes(fd, big, sizes[i]);
        get_one(fd);
        assert_int_equal(status(), 200);
        assert_int_equal(strlen(answer_body()), sizes[i]);
    }
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\n\r\n"); /* none at all */
    get_one(fd);
    assert_int_equal(status(), 200);
    assert_true(still_open(fd));
    close(fd);
}

static void chunked_bodies_are_put_together(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\nWiki\r\n");
    clock_sleep_ms(30);
    put(fd, "5\r\npe");
    clock_sleep_ms(30);
    put(fd, "dia\r\n0\r\n\r\n");
    get_one(fd);
    assert_int_equal(status(), 200);
    assert_string_equal(answer_body(), "Wikipedia");
    assert_true(still_open(fd));
    close(fd);
}

/* gzip -n of "Wikipedia". */
static const unsigned char packed[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x0b, 0xcf, 0xcc,
    0xce, 0x2c, 0x48, 0x4d, 0xc9, 0x4c, 0x04, 0x00, 0x2e, 0xc0, 0xaa, 0xad, 0x09, 0x00, 0x00, 0x00 };

static void packed_bodies_are_opened(void **state)
{
    (void)state;
    char head[160];
    int fd = dial();
    snprintf(head, sizeof head,
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: GZIP\r\nContent-Length: %zu\r\n\r\n", sizeof packed);
    put(fd, head);
    put_bytes(fd, packed, sizeof packed);
    get_one(fd);
    assert_int_equal(status(), 200);
    assert_string_equal(answer_body(), "Wikipedia");
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain");
    get_one(fd);
    assert_int_equal(status(), 400);
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nplain");
    get_one(fd);
    assert_int_equal(status(), 400);
    assert_true(still_open(fd));
    close(fd);
}

static void what_is_too_long_is_refused_without_waiting_for_it(void **state)
{
    (void)state;
    static const char *const heads[] = { "Content-Length: 100001", "Content-Length: 1000000000",
        "Content-Length: 9223372036854775807" };
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        char request[200];
        int fd = dial();
        int64_t begun_us = clock_monotonic_us();
        snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\nHost: a\r\n%s\r\n\r\nstart", heads[i]);
        put(fd, request);
        get_one(fd);
        assert_int_equal(status(), 413);
        assert_true(says_close());
        assert_true(clock_monotonic_us() - begun_us < 300000);
        close(fd);
    }
    int fd = dial();
    static char chunk[CEILING + 1];
    memset(chunk, 'c', sizeof chunk);
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n"); /* 100,001 */
    put_bytes(fd, chunk, sizeof chunk);
    put(fd, "\r\n");
    get_one(fd);
    assert_int_equal(status(), 413);
    assert_true(says_close());
    close(fd);
}

/* Closing with unread bytes resets the connection, and the answer with it. */
static void the_answer_reaches_a_caller_that_is_still_sending(void **state)
{
    (void)state;
    static char piece[64 * 1024];
    int fd = dial();
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n");
    for (int i = 0; i < 100; i++)
        put_bytes(fd, piece, sizeof piece);
    get_one(fd);
    assert_int_equal(status(), 413);
    close(fd);
}

static void bodies_that_end_early_or_come_slowly_are_told_apart(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nshort");
    shutdown(fd, SHUT_WR);
    get_all(fd);
    assert_int_equal(status(), 400);
    close(fd);
    fd = dial();
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nslow");
    get_all(fd);
    assert_int_equal(status(), 408);
    assert_true(says_close());
    close(fd);
    fd = dial();
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    shutdown(fd, SHUT_WR);
    get_all(fd);
    assert_int_equal(status(), 400);
    close(fd);
}

/* A byte at a time, each well before anybody would lose patience with it alone, until the connection ends. */
static void drip(int fd)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)20 * 1000000;
    while (clock_monotonic_us() < until_us && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
        clock_sleep_ms(100);
}

static void bodies_that_drip_are_not_waited_for(void **state)
{
    static const char *const heads[] = {
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",  /* read by the handler */
        "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n", /* read away behind it */
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        int fd = dial();
        int64_t begun_us = clock_monotonic_us();
        put(fd, heads[i]);
        drip(fd);
        assert_true(clock_monotonic_us() - begun_us < (int64_t)12 * 1000000);
        close(fd);
    }
}

static void chunks_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = { "xyz\r\n", "5;ext=1\r\nhello\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
        "-1\r\n", "\r\n", "ffffffffffffffffff\r\nab", "8000000000000000\r\nab",
        "00000000000000000000000000000000000000000000000000000000000000000001\r\na" };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        int fd = dial();
        put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        put(fd, bodies[i]);
        shutdown(fd, SHUT_WR);
        get_all(fd);
        if (status() != 400)
            fail_msg("chunks \"%s\": %d", bodies[i], status());
        assert_true(says_close());
        close(fd);
    }
}

static void bodies_that_nobody_reads_do_not_disturb_what_follows(void **state)
{
    (void)state;
    static char body[200000];
    char head[128];
    memset(body, 'G', sizeof body);
    int fd = dial();
    const size_t kept[] = { 10, 16384, 64 * 1024 };
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        snprintf(head, sizeof head, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", kept[i]);
        put(fd, head);
        put_bytes(fd, body, kept[i]);
        get_one(fd);
        assert_int_equal(status(), 200);
        assert_false(says_close());
        assert_true(still_open(fd));
    }
    snprintf(head, sizeof head, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", sizeof body);
    put(fd, head);
    put_bytes(fd, body, sizeof body);
    put(fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    get_all(fd);
    assert_int_equal(status(), 200);
    assert_true(says_close());
    assert_null(strstr(answer_body(), "HTTP/1.1"));
    close(fd);
    fd = dial();
    put(fd, "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /x "
            "HTTP/1.1\r\nHost: a\r\n\r\n");
    get_all(fd);
    assert_true(says_close());
    assert_null(strstr(answer_body(), "HTTP/1.1"));
    close(fd);
}

static void callers_that_wait_for_our_word_get_it(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    get_one(fd);
    assert_int_equal(status(), 100);
    put(fd, "body");
    get_one(fd);
    assert_int_equal(status(), 200);
    assert_string_equal(answer_body(), "body");
    put(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    get_all(fd); /* answered without the body: whether it comes is not known, so the connection ends */
    assert_int_equal(status(), 200);
    assert_true(says_close());
    close(fd);
}

/* ---- what is refused ---- */

static void ambiguous_requests_are_refused_and_the_connection_closed(void **state)
{
    (void)state;
    static const struct {
        const char *name, *request, *reason;
    } cases[] = {
        { "length and chunks",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "framing" },
        { "chunks and length",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            "framing" },
        { "two lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
            "framing" },
        { "the same length twice",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\ncontent-length: 4\r\n\r\nabcd", "framing" },
        { "a list of lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd", "framing" },
        { "4x", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4x\r\n\r\nabcd", "framing" },
        { "+4", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", "framing" },
        { "0x4", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd", "framing" },
        { "-4", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\nabcd", NULL },
        { "no digits", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabcd", NULL },
        { "twenty digits", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000000000004\r\n\r\nabcd",
            "framing" },
        { "nineteen nines", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\nabcd",
            "framing" },
        { "space before the colon", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd", "headers" },
        { "chunked twice",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
            "chunked\r\n\r\n0\r\n\r\n",
            "framing" },
        { "another coding", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "framing" },
        { "an unknown coding", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", NULL },
        { "chunks in HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "framing" },
        { "no host", "GET /x HTTP/1.1\r\nX: y\r\n\r\n", "host" },
        { "no headers", "GET /x HTTP/1.1\r\n\r\n", "host" },
        { "two hosts", "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "host" },
        { "two hosts in HTTP/1.0", "GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "host" },
        { "a host with a path", "GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n", "host" },
        { "a folded header", "GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 5\r\n\r\n", "headers" },
        { "a fold at once", "GET /x HTTP/1.1\r\n Host: a\r\n\r\n", "headers" },
        { "bare line feeds", "GET /x HTTP/1.1\nHost: a\n\n", "headers" },
        { "a bare line feed", "GET /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "headers" },
        { "a bare carriage return", "GET /x HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", NULL },
        { "a header name that is none", "GET /x HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n", "headers" },
        { "a header without a colon", "GET /x HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", NULL },
        { "a control character", "GET /x HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", NULL },
        { "two spaces", "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n", "syntax" },
        { "two spaces behind", "GET /x  HTTP/1.1\r\nHost: a\r\n\r\n", "syntax" },
        { "a line end in the request line", "GET /x\r\nHTTP/1.1\r\nHost: a\r\n\r\n", NULL },
        { "white space in front", "\r\n GET /x HTTP/1.1\r\nHost: a\r\n\r\n", NULL },
        { "NUL in the path", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", "target" },
        { "half a percent", "GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", "target" },
        { "no hex", "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", "target" },
        { "up", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", "target" },
        { "up, hidden", "GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", "target" },
        { "not UTF-8", "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", "target" },
        { "an absolute target", "GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", NULL },
        { "a method that is none", "FETCH /x HTTP/1.1\r\nHost: a\r\n\r\n", NULL },
        { "another version", "GET /x HTTP/2.0\r\nHost: a\r\n\r\n", NULL },
        { "no HTTP", "hello\r\n\r\n", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char name[96];
        snprintf(name, sizeof name, "nwims_http_refused_total{reason=\"%s\"} ",
            cases[i].reason ? cases[i].reason : "syntax");
        double before = metric_named(name);
        int calls_before = atomic_load(&calls), fd = dial();
        put(fd, cases[i].request);
        put(fd, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        get_all(fd);
        if (status() != 400 || !says_close() || strstr(answer_body(), "HTTP/1.1") ||
            !strstr(answer, "application/problem+json") || answer_body()[0] != '{')
            fail_msg("%s: %s", cases[i].name, answer);
        if (atomic_load(&calls) != calls_before || metric_named(name) != before + 1)
            fail_msg("%s: %d calls, %g counted as %s", cases[i].name, atomic_load(&calls) - calls_before,
                metric_named(name) - before, name);
        close(fd);
    }
}

static void headers_have_a_limit(void **state)
{
    (void)state;
    AUTO_INPLACE(buffer) request = { 0 };
    static const struct {
        int headers, expected;
    } counts[] = { { 10, 200 }, { 60, 200 }, { 65, 400 }, { 100, 400 }, { 200, 400 } };
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        buffer_reset(&request);
        buffer_put_text(&request, "GET /x HTTP/1.1\r\nHost: a\r\n");
        for (int h = 1; h < counts[i].headers; h++)
            buffer_printf(&request, "X-%d: y\r\n", h);
        buffer_put_text(&request, "\r\n");
        int fd = dial();
        put(fd, request.data);
        get_one(fd);
        if (status() != counts[i].expected)
            fail_msg("%d headers: %d", counts[i].headers, status());
        close(fd);
    }
    buffer_reset(&request);
    buffer_put_text(&request, "GET /x HTTP/1.1\r\nHost: a\r\nX: ");
    for (int k = 0; k < 2000; k++)
        buffer_put_text(&request, "0123456789");
    int fd = dial();
    put_bytes(fd, request.data, request.size);
    get_one(fd);
    assert_int_equal(status(), 400);
    close(fd);
}

/* civetweb looks for a request beyond what it has received: in what an earlier connection left in its buffer. */
static void nobody_gets_the_request_of_an_earlier_connection(void **state)
{
    static const char first[] = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
    (void)state;
    struct http_server *own = NULL;
    struct err err = { 0 };
    struct http_server_config single = config;
    single.threads = 1; /* and so one buffer */
    assert_true(http_server_open(&own, &single, handle, &calls, &err));
    int fd = dial_port(http_server_port(own));
    put(fd, first);
    put(fd, "GET /s HTTP/1.1\r\nHost: a\r\n\r\n");
    get_one(fd);
    get_one(fd);
    assert_int_equal(status(), 200);
    close(fd);
    int calls_before = atomic_load(&calls);
    char spaces[sizeof first];
    snprintf(spaces, sizeof spaces, "\n\n%*s", (int)sizeof first - 3, ""); /* up to where the second request was */
    fd = dial_port(http_server_port(own));
    put(fd, spaces);
    get_all(fd);
    assert_int_equal(status(), 400);
    assert_int_equal(atomic_load(&calls), calls_before);
    close(fd);
    http_server_close(own);
}

static void a_request_that_does_not_come_frees_its_thread(void **state)
{
    (void)state;
    int fds[12];
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial();
        put(fds[i], "GET /x HT");
    }
    int64_t begun_us = clock_monotonic_us();
    int fd = dial();
    assert_true(still_open(fd));
    assert_true(clock_monotonic_us() - begun_us < (REQUEST_MS + 1000) * 1000);
    close(fd);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
}

/* ---- the server's own life ---- */

static void connections_are_counted(void **state)
{
    (void)state;
    static const char name[] = "\nnwims_http_connections ";
    int64_t end_us = clock_monotonic_us() + 3000000;
    while (metric_named(name) > 0 && clock_monotonic_us() < end_us)
        clock_sleep_ms(10);
    assert_true(metric_named(name) == 0);
    int fd = dial(), other = dial();
    assert_true(still_open(fd) && still_open(other));
    assert_true(metric_named(name) == 2);
    put(other, "GET /x HTTP/1.0\r\n\r\n"); /* closed by us, which civetweb tells twice */
    get_all(other);
    close(other);
    close(fd);
    while (metric_named(name) > 0 && clock_monotonic_us() < end_us)
        clock_sleep_ms(10);
    assert_true(metric_named(name) == 0);
}

static void a_server_that_cannot_listen_says_why(void **state)
{
    (void)state;
    char taken[64];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", http_server_port(server));
    const char *const addresses[] = { taken, "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999",
        "127.0.0.1:-1", "1.2.3.4.5:80", "nowhere.example:80", "[::1]:80", "127.0.0.1:8443s", "", "192.0.2.1:80" };
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct http_server *none = NULL;
        struct http_server_config bad = config;
        struct err err = { 0 };
        bad.address = addresses[i];
        if (http_server_open(&none, &bad, handle, NULL, &err))
            fail_msg("listens on \"%s\"", addresses[i]);
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_non_null(strstr(err.text, addresses[i]));
        assert_null(none);
    }
    struct http_server *none = NULL;
    struct err err = { 0 };
    struct http_server_config bad = config;
    bad.threads = 0;
    assert_false(http_server_open(&none, &bad, handle, NULL, &err));
    bad = config;
    bad.request_ms = 0;
    assert_false(http_server_open(&none, &bad, handle, NULL, &err));
    http_server_close(NULL);
}

static void draining_asks_callers_to_leave(void **state)
{
    (void)state;
    struct http_server *own = NULL;
    struct err err = { 0 };
    struct http_server_config local = config;
    local.address = "localhost:0";
    assert_true(http_server_open(&own, &local, handle, &calls, &err));
    int fd = dial_port(http_server_port(own));
    assert_true(still_open(fd));
    http_server_drain(own);
    put(fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    get_all(fd);
    assert_int_equal(status(), 200);
    assert_true(says_close());
    close(fd);
    http_server_close(own);
}

static void closing_waits_for_answers_but_not_for_idle_callers(void **state)
{
    (void)state;
    struct http_server *own = NULL;
    struct err err = { 0 };
    struct http_server_config patient = config;
    patient.keep_alive_ms = 60000;
    assert_true(http_server_open(&own, &patient, handle, &calls, &err));
    int idle = dial_port(http_server_port(own)), busy = dial_port(http_server_port(own)),
        events = dial_port(http_server_port(own));
    assert_true(still_open(idle));
    put(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    put(events, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    clock_sleep_ms(100);
    int64_t begun_us = clock_monotonic_us();
    http_server_close(own);
    assert_true(clock_monotonic_us() - begun_us < 3000000);
    get_all(busy);
    assert_int_equal(status(), 200);
    assert_string_equal(answer_body(), "slow");
    get_all(events);
    assert_non_null(strstr(answer_body(), "0\r\n\r\n"));
    close(idle);
    close(busy);
    close(events);
}

/* ---- the client ---- */

static void the_client_calls_and_keeps_its_connection(void **state)
{
    (void)state;
    AUTO(http_client) client = NULL;
    AUTO_INPLACE(buffer) body = { 0 };
    struct err err = { 0 };
    char url[64];
    int code = 0;
    const char *const headers[] = { "X-Own: here", NULL };
    assert_true(http_client_open(&client, &err));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/describe", http_server_port(server));
    struct http_call call = { .method = "DELETE", .url = url, .headers = headers, .timeout_ms = 3000 };
    assert_true(http_client_call(client, &call, &code, &body, &err));
    assert_int_equal(code, 200);
    assert_non_null(strstr(body.data, "DELETE|/describe||127.0.0.1|-|here|"));
    assert_string_equal(http_client_header(client, "X-GOOD"), "yes");
    snprintf(url, sizeof url, "http://127.0.0.1:%d/echo", http_server_port(server));
    struct http_call post = { .method = "POST", .url = url, .body = "a\0b", .size = 3, .timeout_ms = 3000 };
    buffer_reset(&body);
    assert_true(http_client_call(client, &post, &code, &body, &err));
    assert_int_equal(body.size, 3);
    assert_memory_equal(body.data, "a\0b", 3);
    struct http_call head = { .method = "HEAD", .url = url, .timeout_ms = 3000 };
    assert_true(http_client_call(client, &head, &code, NULL, &err));
    assert_int_equal(code, 200);
}

static void the_client_tells_failures_apart(void **state)
{
    (void)state;
    AUTO(http_client) client = NULL;
    struct buffer small = { .ceiling_bytes = 1000 };
    struct err err = { 0 };
    char url[64];
    int code = 0;
    struct http_call call = { .method = "GET", .url = url, .timeout_ms = 150 };
    assert_true(http_client_open(&client, &err));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/large", http_server_port(server));
    assert_false(http_client_call(client, &call, &code, &small, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/slow", http_server_port(server));
    assert_false(http_client_call(client, &call, &code, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    snprintf(url, sizeof url, "http://127.0.0.1:1/");
    assert_false(http_client_call(client, &call, &code, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    snprintf(url, sizeof url, "file:///etc/passwd");
    assert_false(http_client_call(client, &call, &code, NULL, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    buffer_done(&small);
    http_client_close(NULL);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_whole_and_the_connection_stays),
        cmocka_unit_test(several_requests_at_once_are_answered_in_order),
        cmocka_unit_test(head_is_answered_as_get_without_a_body),
        cmocka_unit_test(answers_without_a_body_have_none),
        cmocka_unit_test(requests_are_seen_decoded),
        cmocka_unit_test(a_handler_that_does_not_answer_is_answered_for),
        cmocka_unit_test(problems_say_what_is_wrong),
        cmocka_unit_test(errors_have_their_status),
        cmocka_unit_test(old_callers_are_served),
        cmocka_unit_test(streams_come_in_chunks_and_end),
        cmocka_unit_test(bodies_are_read_whole),
        cmocka_unit_test(chunked_bodies_are_put_together),
        cmocka_unit_test(packed_bodies_are_opened),
        cmocka_unit_test(what_is_too_long_is_refused_without_waiting_for_it),
        cmocka_unit_test(the_answer_reaches_a_caller_that_is_still_sending),
        cmocka_unit_test(bodies_that_end_early_or_come_slowly_are_told_apart),
        cmocka_unit_test(bodies_that_drip_are_not_waited_for),
        cmocka_unit_test(chunks_that_are_none_are_refused),
        cmocka_unit_test(bodies_that_nobody_reads_do_not_disturb_what_follows),
        cmocka_unit_test(callers_that_wait_for_our_word_get_it),
        cmocka_unit_test(ambiguous_requests_are_refused_and_the_connection_closed),
        cmocka_unit_test(headers_have_a_limit),
        cmocka_unit_test(nobody_gets_the_request_of_an_earlier_connection),
        cmocka_unit_test(a_request_that_does_not_come_frees_its_thread),
        cmocka_unit_test(connections_are_counted),
        cmocka_unit_test(a_server_that_cannot_listen_says_why),
        cmocka_unit_test(draining_asks_callers_to_leave),
        cmocka_unit_test(closing_waits_for_answers_but_not_for_idle_callers),
        cmocka_unit_test(the_client_calls_and_keeps_its_connection),
        cmocka_unit_test(the_client_tells_failures_apart),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
