#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/uuid.h"
#include "http/http_internal.h"
#include "http/problem.h"
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_THREADS = 4096, OUT_CEILING_BYTES = 256 * 1024, HEADERS_CEILING_BYTES = 32 * 1024 };

/* ---- what each thread keeps ---- */

static void *on_thread_start(const struct mg_context *civetweb, int kind)
{
    enum { WORKER = 1 };
    struct http_worker *worker = kind == WORKER ? calloc(1, sizeof *worker) : NULL;
    if (!worker)
        return NULL;
    worker->server = mg_get_user_data(civetweb);
    arena_init(&worker->arena, (size_t)worker->server->config.arena_bytes);
    buffer_init(&worker->path, HEAD_BYTES);
    buffer_init(&worker->headers, HEADERS_CEILING_BYTES);
    buffer_init(&worker->out, OUT_CEILING_BYTES);
    http_watch_add(worker);
    return worker;
}

static void on_thread_end(const struct mg_context *civetweb, int kind, void *pointer)
{
    struct http_worker *worker = pointer;
    (void)civetweb, (void)kind;
    if (!worker)
        return;
    http_watch_remove(worker);
    arena_done(&worker->arena);
    buffer_done(&worker->path);
    buffer_done(&worker->headers);
    buffer_done(&worker->out);
    buffer_done(&worker->body);
    buffer_done(&worker->opened);
    free(worker);
}

/* ---- one request ---- */

static struct http_request *request_begin(struct http_worker *worker, struct mg_connection *connection)
{
    worker->request = (struct http_request){
        .worker = worker,
        .connection = connection,
        .info = mg_get_request_info(connection),
        .path = "",
        .started_us = clock_monotonic_us(),
    };
    buffer_reset(&worker->headers);
    http_proxy_read(&worker->request);
    return &worker->request;
}

static void refuse(struct http_request *request, int status, const struct http_refusal *refusal)
{
    char id[UUID_TEXT_SIZE];
    http_metrics_refused(refusal->reason);
    request->must_close = true;
    request->body = BODY_BROKEN; /* where it ends is not to be trusted */
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    const struct problem problem = { .status = status, .detail = refusal->detail, .request_id = id };
    log_debug(NULL, "http.refused", LOG_TEXT("request_id", id), LOG_TEXT("reason", refusal->detail));
    http_respond_header(request, "X-Request-Id", id);
    problem_respond(request, &problem);
}

static void answer(struct http_server *server, struct http_request *request)
{
    static const struct http_refusal closing = { REFUSED_CLOSING, "this server is stopping; ask again" };
    const struct http_refusal *refusal = http_limits_check(request);
    if (refusal) {
        refuse(request, 400, refusal);
        return;
    }
    if (atomic_load(&server->is_closing)) {
        refuse(request, 503, &closing);
        return;
    }
    server->handler(server->context, request);
    if (request->status == 0) {
        log_error(NULL, "http.unanswered", LOG_TEXT("method", request->info->request_method));
        http_problem(request, 500, NULL, NULL);
    }
    if (request->stream == STREAM_OPEN) /* not ended: the caller must not take it for whole */
        request->must_close = true;
}

/* There are hundreds of threads, and each comes by a large answer once in a while: what they keep is small. */
static void give_back(struct http_worker *worker)
{
    struct buffer *const kept[] = { &worker->headers, &worker->out, &worker->body, &worker->opened };
    arena_reset_keeping(&worker->arena, KEPT_BYTES);
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        if (kept[i]->capacity > KEPT_BYTES)
            buffer_done(kept[i]);
}

/* Left to itself civetweb would read an unread body to its end, however long. */
static void request_end(struct http_request *request)
{
    struct http_worker *worker = request->worker;
    if (request->body == BODY_UNREAD && !request->expects_continue &&
        !http_body_discard(request, request->must_close ? LINGER_BYTES : DISCARD_BYTES))
        request->must_close = true;
    if (request->must_close || request->body == BODY_BROKEN)
        mg_close_connection(request->connection);
    give_back(worker);
}

static int on_request(struct mg_connection *connection)
{
    enum { ANSWERED = 1 };
    struct http_worker *worker = mg_get_thread_pointer(connection);
    if (!worker) {
        mg_close_connection(connection);
        return ANSWERED;
    }
    struct http_server *server = worker->server;
    atomic_fetch_add(
        &server->running, 1); /* before looking at is_closing: http_server_close looks the other way round */
    struct http_request *request = request_begin(worker, connection);
    answer(server, request);
    atomic_fetch_sub(&server->running, 1);
    request_end(request);
    return ANSWERED;
}

/* ---- what civetweb tells ---- */

/* Its own refusals: it found no request in what came, or more than HEAD_BYTES of one. */
static int on_error(struct mg_connection *connection, int status, const char *text)
{
    enum { ANSWERED = 0 };
    (void)status; /* not to be relied upon: too large a head is 400 there, no version 505 */
    http_metrics_refused(REFUSED_SYNTAX);
    log_debug(NULL, "http.refused", LOG_TEXT("reason", text));
    http_answer_bare(connection, 400, "this is no HTTP request, or its headers are too large");
    return ANSWERED;
}

static int on_message(const struct mg_connection *connection, const char *text)
{
    enum { TAKEN = 1 };
    struct http_server *server = mg_get_user_data(mg_get_context(connection));
    if (server && !atomic_load(&server->is_started))
        snprintf(server->complaint, sizeof server->complaint, "%s", text);
    log_debug(NULL, "http.server_says", LOG_TEXT("text", text));
    return TAKEN;
}

static int on_connection(const struct mg_connection *connection, void **out_data)
{
    *out_data = mg_get_user_context_data(connection);
    http_metrics_connection(1);
    return 0;
}

/* Called twice where we close the connection ourselves; the second time its data is NULL. */
static void on_connection_end(const struct mg_connection *connection)
{
    if (mg_get_user_connection_data(connection))
        http_metrics_connection(-1);
}

/* ---- the server ---- */

/* civetweb takes much for an address: a bare number, "8443s" for TLS that crashes, lists. */
static bool parse_address(const char *text, struct sockaddr_in *out_address, struct err *err)
{
    char host[64];
    int64_t port;
    const char *colon = strrchr(text, ':');
    if (colon && (size_t)(colon - text) < sizeof host && number_parse_int(colon + 1, strlen(colon + 1), &port) &&
        port >= 0 && port <= 65535) {
        snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
        *out_address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &out_address->sin_addr) == 1)
            return true;
    }
    return err_set(err, ERR_CONFIG, "\"%s\" is no address to listen on: say 127.0.0.1:8080 or 0.0.0.0:8080", text);
}

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

static bool start(struct http_server *server, struct err *err)
{
    static const struct mg_callbacks callbacks = {
        .begin_request = on_request,
        .http_error = on_error,
        .log_message = on_message,
        .init_thread = on_thread_start,
        .exit_thread = on_thread_end,
        .init_connection = on_connection,
        .connection_close = on_connection_end,
    };
    char address[INET_ADDRSTRLEN + 8], host[INET_ADDRSTRLEN] = "", threads[24], request_ms[24], keep_alive_ms[24],
                                       head_bytes[24];
    inet_ntop(AF_INET, &server->address.sin_addr, host, sizeof host);
    snprintf(address, sizeof address, "%s:%d", host, ntohs(server->address.sin_port));
    snprintf(threads, sizeof threads, "%lld", (long long)server->config.threads);
    snprintf(request_ms, sizeof request_ms, "%lld", (long long)server->config.request_ms);
    snprintf(keep_alive_ms, sizeof keep_alive_ms, "%lld", (long long)server->config.keep_alive_ms);
    snprintf(head_bytes, sizeof head_bytes, "%d", HEAD_BYTES);
    const char *options[] = { "listening_ports", address, "num_threads", threads, "request_timeout_ms", request_ms,
        "keep_alive_timeout_ms", keep_alive_ms, "max_request_size", head_bytes, "enable_keep_alive", "yes",
        "tcp_nodelay", "1", "connection_queue", "256", "listen_backlog", "1024", "decode_url", "no",
        "enable_auth_domain_check", "no", NULL };
    pthread_mutex_lock(&library_lock);
    mg_init_library(0);
    struct mg_context *civetweb = mg_start(&callbacks, server, options);
    if (!civetweb)
        mg_exit_library();
    pthread_mutex_unlock(&library_lock);
    if (!civetweb)
        return err_set(err, ERR_CONFIG, "cannot listen on %s: %s", address, server->complaint);
    server->civetweb = civetweb;
    atomic_store(&server->is_started, true);
    return true;
}

static bool check_config(const struct http_server_config *config, struct err *err)
{
    if (config->threads < 1 || config->threads > MOST_THREADS)
        return err_set(err, ERR_CONFIG, "an HTTP server needs 1 to %d threads", MOST_THREADS);
    if (config->request_ms < 1 || config->keep_alive_ms < 1 || config->arena_bytes < 1)
        return err_set(err, ERR_CONFIG, "an HTTP server needs times and an arena");
    if ((config->proxies && strlen(config->proxies) >= sizeof((struct http_server *)0)->proxies) ||
        (config->proxy_secret && strlen(config->proxy_secret) >= sizeof((struct http_server *)0)->proxy_secret))
        return err_set(err, ERR_CONFIG, "the list of proxies or their secret is too long");
    return true;
}

bool http_server_open(struct http_server **out_server, const struct http_server_config *config, http_handler *handler,
    void *context, struct err *err)
{
    struct sockaddr_in address;
    struct mg_server_port ports[1];
    if (!check_config(config, err) || !parse_address(config->address, &address, err))
        return false;
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return err_set(err, ERR_LIMIT, "no memory for an HTTP server");
    server->config = *config;
    server->config.address = NULL; /* the caller's text need not live on */
    server->config.proxies = server->config.proxy_secret = NULL;
    snprintf(server->proxies, sizeof server->proxies, "%s", config->proxies ? config->proxies : "");
    snprintf(server->proxy_secret, sizeof server->proxy_secret, "%s", config->proxy_secret ? config->proxy_secret : "");
    server->address = address;
    server->handler = handler;
    server->context = context;
    http_metrics_init();
    http_watch_init(server);
    if (!start(server, err)) {
        http_watch_close(server);
        free(server);
        return false;
    }
    if (mg_get_server_ports(server->civetweb, 1, ports) == 1)
        server->address.sin_port = htons((uint16_t)ports[0].port);
    *out_server = server;
    return true;
}

int http_server_port(const struct http_server *server)
{
    return ntohs(server->address.sin_port);
}

void http_server_drain(struct http_server *server)
{
    atomic_store(&server->is_draining, true);
}

/* civetweb looks every 2 s whether it is to stop, or when somebody calls. */
static void *call_until_gone(void *argument)
{
    struct sockaddr_in address = *(struct sockaddr_in *)argument;
    bool is_there = true;
    if (address.sin_addr.s_addr == htonl(INADDR_ANY))
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; is_there && i < 50; i++) {
        clock_sleep_ms(5);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        is_there =
            fd >= 0 && (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static void stop(struct http_server *server)
{
    pthread_t caller;
    struct sockaddr_in address = server->address;
    bool calls = pthread_create(&caller, NULL, call_until_gone, &address) == 0;
    mg_stop(server->civetweb);
    if (calls)
        pthread_join(caller, NULL);
}

/* From mg_stop on nothing more is written, so the handlers are waited for before it. It takes up to 2 s where
 * connections idle. */
void http_server_close(struct http_server *server)
{
    if (!server)
        return;
    http_server_drain(server);
    atomic_store(&server->is_closing, true);
    while (atomic_load(&server->running) > 0)
        clock_sleep_ms(2);
    stop(server);
    pthread_mutex_lock(&library_lock);
    mg_exit_library();
    pthread_mutex_unlock(&library_lock);
    http_watch_close(server);
    free(server);
}
