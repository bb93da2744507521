#include "base/json_writer.h"
#include "http/http_client.h"
#include "http/problem.h"
#include "service_internal.h"
#include <stdio.h>
#include <string.h>

enum { ADMIN_THREADS = 4, ADMIN_ARENA_BYTES = 64 * 1024, HEALTHCHECK_MS = 3000 };

/* Adds a line for one check; true if it is well. */
static bool tell(struct buffer *out, const char *name, bool ok, const struct err *err)
{
    buffer_printf(out, "[%c] %s%s%s\n", ok ? '+' : '-', name, ok ? "" : ": ", ok ? "" : err->text);
    return ok;
}

static bool check_schema(struct service *service, struct err *err)
{
    int wanted = service_schema_version(service->program), version = 0;
    if (!migrate_version(service->store, service->program->schema, &version, err))
        return false;
    return version >= wanted || err_set(err, ERR_CONFIG, "schema %s has version %d, this program wants %d", service->program->schema, version, wanted);
}

static bool check_all(struct service *service, struct buffer *out)
{
    struct err err = { 0 };
    bool ok = tell(out, "not draining", !atomic_load(&service->is_draining), &(struct err){ .text = "this process is stopping" });
    if (service->store)
        ok &= tell(out, "database", service->program->migrations ? check_schema(service, &err) : store_ping(service->store, &err), &err);
    if (service->bus)
        ok &= tell(out, "bus", bus_is_connected(service->bus), &(struct err){ .text = "not connected" });
    for (size_t i = 0; i < service->check_count; i++) {
        struct err own = { 0 };
        ok &= tell(out, service->checks[i].name, service->checks[i].check(service->checks[i].context, &own), &own);
    }
    return ok;
}

static void answer_ready(struct service *service, struct http_request *request)
{
    AUTO_INPLACE(buffer) text = { 0 };
    bool ok = atomic_load(&service->has_started);
    if (ok) {
        ok = check_all(service, &text);
    } else {
        pthread_mutex_lock(&service->lock);
        buffer_printf(&text, "[-] started: waiting for %s\n", service->waiting_for);
        pthread_mutex_unlock(&service->lock);
    }
    buffer_put_text(&text, ok ? "ready\n" : "not ready\n");
    bool is_verbose = !ok || strstr(http_request_query(request), "verbose");
    http_respond(request, ok ? 200 : 503, "text/plain; charset=utf-8", is_verbose ? text.data : "ready\n", is_verbose ? text.size : 6);
}

static void answer_text(struct http_request *request, int status, const char *text)
{
    http_respond(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void answer_metrics(const struct service *service, struct http_request *request)
{
    AUTO_INPLACE(buffer) text = { 0 };
    metrics_render(&text, service->program->name, NWIMS_VERSION);
    http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.size);
}

static void answer_build(const struct service *service, struct http_request *request)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "service", service->program->name);
    json_put_text(&writer, "version", NWIMS_VERSION);
    json_put_text(&writer, "commit", NWIMS_COMMIT);
    json_put_text(&writer, "compiler", __VERSION__);
    json_end_object(&writer);
    http_respond(request, 200, "application/json", json.data, json.size);
}

static void admin_handle(void *context, struct http_request *request)
{
    struct service *service = context;
    const char *path = http_request_path(request), *method = http_request_method(request);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        http_problem(request, 405, NULL, "This listener only answers GET.");
    else if (strcmp(path, "/livez") == 0)
        answer_text(request, 200, "alive\n");
    else if (strcmp(path, "/readyz") == 0)
        answer_ready(service, request);
    else if (strcmp(path, "/startupz") == 0)
        answer_text(request, atomic_load(&service->has_started) ? 200 : 503, atomic_load(&service->has_started) ? "started\n" : "starting\n");
    else if (strcmp(path, "/metrics") == 0)
        answer_metrics(service, request);
    else if (strcmp(path, "/buildinfo") == 0)
        answer_build(service, request);
    else
        http_problem(request, 404, NULL, "There are /livez, /readyz, /startupz, /metrics and /buildinfo.");
}

bool admin_open(struct service *service, struct err *err)
{
    const struct http_server_config config = { .address = service->config->admin_address,
        .threads = ADMIN_THREADS,
        .request_ms = 5000,
        .keep_alive_ms = 1000,
        .arena_bytes = ADMIN_ARENA_BYTES };
    return http_server_open(&service->admin, &config, admin_handle, service, err) || err_wrap(err, "ADMIN_ADDRESS");
}

bool admin_ask_readiness(const char *address)
{
    AUTO(http_client) client = NULL;
    AUTO_INPLACE(buffer) answer = { 0 };
    struct err err = { 0 };
    char url[128];
    int status = 0;
    snprintf(url, sizeof url, "http://%s/readyz", address);
    const struct http_call call = { .method = "GET", .url = url, .timeout_ms = HEALTHCHECK_MS };
    bool ok = http_client_open(&client, &err) && http_client_call(client, &call, &status, &answer, &err);
    printf("%s\n", ok ? answer.data : err.text);
    return ok && status == 200;
}
