/* The listener for those who operate us: it is there before anything we depend on. */
#include "base/json_writer.h"
#include "http/problem.h"
#include "service/service_internal.h"
#include <string.h>

enum { THREADS = 4, REQUEST_MS = 5000, KEEP_ALIVE_MS = 1000, ARENA_BYTES = 64 * 1024 };
static const char plain[] = "text/plain; charset=utf-8";

static void answer_text(struct http_request *request, int status, const char *text)
{
    http_respond(request, status, plain, text, strlen(text));
}

static void answer_live(struct service *service, struct http_request *request)
{
    (void)service; /* asks nobody: being restarted does not bring a database back */
    answer_text(request, 200, "alive\n");
}

/* What is wrong is always said, what is well only when asked (?verbose). */
static void answer_ready(struct service *service, struct http_request *request)
{
    AUTO_INPLACE(buffer) text = { 0 };
    bool ok = readiness_check(service, &text);
    if (ok && !http_request_query_value(request, "verbose"))
        buffer_reset(&text);
    buffer_put_text(&text, ok ? "ready\n" : "not ready\n");
    http_respond(request, ok ? 200 : 503, plain, text.data, text.size);
}

static void answer_started(struct service *service, struct http_request *request)
{
    bool ok = atomic_load(&service->has_started);
    answer_text(request, ok ? 200 : 503, ok ? "started\n" : "starting\n");
}

static void answer_metrics(struct service *service, struct http_request *request)
{
    AUTO_INPLACE(buffer) text = { 0 };
    metrics_render(&text, service->program->name, NWIMS_VERSION);
    if (buffer_ok(&text))
        http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.size);
}

static void answer_build(struct service *service, struct http_request *request)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "service", service->program->name);
    json_put_text(&writer, "version", NWIMS_VERSION);
    json_put_text(&writer, "commit", NWIMS_COMMIT);
    json_put_text(&writer, "compiler", __VERSION__);
    json_put_int(&writer, "schema_version", service_schema_version(service->program));
    json_end_object(&writer);
    http_respond(request, 200, "application/json", json.data, json.size);
}

static const struct {
    const char *path;
    void (*answer)(struct service *service, struct http_request *request);
} pages[] = {
    { "/livez", answer_live },
    { "/readyz", answer_ready },
    { "/startupz", answer_started },
    { "/metrics", answer_metrics },
    { "/buildinfo", answer_build },
};

static void answer(void *context, struct http_request *request)
{
    const char *path = http_request_path(request), *method = http_request_method(request);
    size_t i = 0;
    while (i < COUNT_OF(pages) && strcmp(path, pages[i].path) != 0)
        i++;
    if (i == COUNT_OF(pages))
        http_problem(request, 404, NULL, "there are /livez, /readyz, /startupz, /metrics and /buildinfo");
    else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        pages[i].answer(context, request);
    else {
        http_respond_header(request, "Allow", "GET, HEAD");
        http_problem(request, 405, NULL, NULL);
    }
}

bool admin_open(struct service *service, struct err *err)
{
    const struct http_server_config config = { .address = service->config->admin_address,
        .threads = THREADS,
        .request_ms = REQUEST_MS,
        .keep_alive_ms = KEEP_ALIVE_MS,
        .arena_bytes = ARENA_BYTES };
    return http_server_open(&service->admin, &config, answer, service, err) || err_wrap(err, "ADMIN_ADDRESS");
}
