#include "gateway.h"
#include "base/clock.h"
#include "documents.h"
#include "exchange.h"
#include "layers/layers.h"
#include "rpc_exchange.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In this order; whichever answers ends the way. Body limits are kept where the body is read (exchange_body). */
static layer *const layers[] = {
    layer_trace,            /* request id and trace context    */
    layer_security_headers, /* security headers, CORS          */
    layer_limit_address,    /* how often from there            */
    layer_authenticate,     /* who asks                        */
    layer_limit_caller,     /* how often they and their tenant */
    layer_authorise,        /* whether they may                */
    layer_check_request,    /* Accept, charset, query          */
    layer_cache,            /* whether the answer is here      */
};

static size_t count_routes(void)
{
    size_t count = 0;
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++)
            count++;
    return count;
}

static void make_metrics(struct route_metrics *metrics, const struct route *route)
{
    static const char *const classes[] = { "", "1xx", "2xx", "3xx", "4xx", "5xx" };
    metrics->route = route;
    for (size_t i = 2; i < COUNT_OF(classes); i++) {
        char labels[256];
        snprintf(labels, sizeof labels, "method=\"%s\",route=\"/api/v1%s\",status=\"%s\"", route->method, route->path,
            classes[i]);
        metrics->seconds[i] =
            metrics_histogram("http_server_request_duration_seconds", labels, "Time to answer a request", NULL, 0);
    }
}

bool gateway_build(struct app *app, struct err *err)
{
    app->router = http_router_new();
    app->route_metrics = calloc(count_routes() + 1, sizeof *app->route_metrics);
    if (!app->router || !app->route_metrics)
        return err_set(err, ERR_LIMIT, "no memory for the routes");
    struct route_metrics *metrics = app->route_metrics;
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++, metrics++) {
            make_metrics(metrics, route);
            if (!http_router_add(app->router, route->method, route->path, metrics, err))
                return err_wrap(err, "route %s %s", route->method, route->path);
        }
    return true;
}

void gateway_forget(struct app *app)
{
    http_router_free(TAKE(app->router));
    free(app->route_metrics);
    app->route_metrics = NULL;
}

/* Outside /api/v1: the document and its page. True if it was that. */
static bool answer_document(struct exchange *exchange, const char *path)
{
    if (strcmp(path, "/openapi.json") == 0) {
        http_respond_header(exchange->request, "Access-Control-Allow-Origin", "*");
        http_respond(
            exchange->request, 200, "application/json", exchange->app->openapi.data, exchange->app->openapi.size);
        return true;
    }
    if (strcmp(path, "/docs") == 0 || strcmp(path, "/docs/") == 0) {
        http_respond_header(exchange->request, "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src "
            "data:; base-uri 'none'; form-action 'self'");
        http_respond(
            exchange->request, 200, "text/html; charset=utf-8", asset_docs_page_html, asset_docs_page_html_size);
        return true;
    }
    if (strcmp(path, "/docs/problems") == 0) {
        http_respond_header(
            exchange->request, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
        http_respond(exchange->request, 200, "text/html; charset=utf-8", exchange->app->problems.data,
            exchange->app->problems.size);
        return true;
    }
    if (strcmp(path, "/") == 0) {
        http_respond_header(exchange->request, "Location", "/docs");
        http_respond(exchange->request, 302, NULL, NULL, 0);
        return true;
    }
    return false;
}

static bool find_route(struct exchange *exchange)
{
    static const char prefix[] = "/api/v1/";
    const char *path = http_request_path(exchange->request);
    const char *method = http_request_method(exchange->request);
    bool is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (is_get && answer_document(exchange, path))
        return false;
    if (strcmp(path, "/.well-known/jwks.json") == 0)
        path = "/api/v1/.well-known/jwks.json"; /* where the world looks for it */
    if (strncmp(path, prefix, sizeof prefix - 1) != 0) {
        exchange_problem(exchange, 404, NULL, "The API is below /api/v1; /docs shows what there is.");
        return false;
    }
    /* civetweb's HEAD is a GET whose body is not sent. */
    if (http_router_find(exchange->app->router, strcmp(method, "HEAD") == 0 ? "GET" : method, path + sizeof prefix - 2,
            &exchange->match)) {
        exchange->metrics = exchange->match.route;
        exchange->route = exchange->metrics->route;
        return true;
    }
    if (exchange->match.allowed[0]) {
        http_respond_header(exchange->request, "Allow", exchange->match.allowed);
        if (strcmp(method, "OPTIONS") == 0)
            http_respond(exchange->request, 204, NULL, NULL, 0);
        else
            exchange_problem(exchange, 405, NULL, "This path takes other methods: see the Allow header.");
    } else {
        exchange_problem(exchange, 404, NULL, "There is no such path; /docs shows what there is.");
    }
    return false;
}

void gateway_handle(void *context, struct http_request *request)
{
    struct exchange exchange = { .app = context, .request = request, .arena = http_request_arena(request) };
    size_t passed = 0;
    /* These come first, so that even a 404 carries headers and is counted. */
    const size_t before_route = 3;
    while (passed < before_route && layers[passed](&exchange))
        passed++;
    if (passed == before_route && find_route(&exchange)) {
        while (passed < COUNT_OF(layers) && layers[passed](&exchange))
            passed++;
        if (passed == COUNT_OF(layers))
            (exchange.route->handler ? exchange.route->handler : rpc_exchange)(&exchange);
    }
    layer_cache_done(&exchange);
    layer_account(&exchange);
    layer_audit(&exchange);
}
