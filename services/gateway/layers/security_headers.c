#include "layers/layers.h"
#include <string.h>

/* True when it was a preflight request and is answered. */
static bool answer_cross_origin(struct exchange *exchange)
{
    const char *origin = http_request_header(exchange->request, "Origin");
    const char *allowed = exchange->app->config.cors_origin;
    if (!origin || !*allowed || strcmp(origin, allowed) != 0)
        return false;
    http_respond_header(exchange->request, "Access-Control-Allow-Origin", allowed);
    http_respond_header(exchange->request, "Vary", "Origin");
    http_respond_header(
        exchange->request, "Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id");
    if (strcmp(http_request_method(exchange->request), "OPTIONS") != 0 ||
        !http_request_header(exchange->request, "Access-Control-Request-Method"))
        return false;
    http_respond_header(exchange->request, "Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    http_respond_header(exchange->request, "Access-Control-Allow-Headers",
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id, traceparent");
    http_respond_header(exchange->request, "Access-Control-Max-Age", "600");
    http_respond(exchange->request, 204, NULL, NULL, 0);
    return true;
}

bool layer_security_headers(struct exchange *exchange)
{
    http_respond_header(exchange->request, "X-Content-Type-Options", "nosniff");
    http_respond_header(exchange->request, "X-Frame-Options", "DENY");
    http_respond_header(exchange->request, "Referrer-Policy", "no-referrer");
    return !answer_cross_origin(exchange);
}
