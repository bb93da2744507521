#include "layers/layers.h"
#include <string.h>

/* Exactly one of the list, separated by commas: no patterns, and never "*". */
static bool is_allowed_origin(const char *list, const char *origin)
{
    size_t length = strlen(origin);
    for (const char *at = list; *at;) {
        at += strspn(at, ", ");
        size_t item = strcspn(at, ", ");
        if (item > 0 && item == length && memcmp(at, origin, length) == 0)
            return true;
        at += item;
    }
    return false;
}

/* No Access-Control-Allow-Credentials: who calls is told by a header that a page must set itself, never by a cookie.
 * True when it was a preflight request and is answered. */
static bool answer_cross_origin(struct exchange *exchange)
{
    const char *origin = http_request_header(exchange->request, "Origin");
    const char *allowed = exchange->app->config.cors_origins;
    if (!*allowed)
        return false;
    http_respond_header(exchange->request, "Vary", "Origin");
    if (!origin || !is_allowed_origin(allowed, origin))
        return false;
    http_respond_header(exchange->request, "Access-Control-Allow-Origin", origin);
    http_respond_header(exchange->request, "Access-Control-Expose-Headers",
        "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id");
    if (strcmp(http_request_method(exchange->request), "OPTIONS") != 0 ||
        !http_request_header(exchange->request, "Access-Control-Request-Method"))
        return false;
    http_respond_header(exchange->request, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    http_respond_header(exchange->request, "Access-Control-Allow-Headers",
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Nwims-Tenant, Prefer, "
        "X-Request-Id, traceparent");
    http_respond_header(exchange->request, "Access-Control-Max-Age", "600");
    http_respond(exchange->request, 204, NULL, NULL, 0);
    return true;
}

/* The API's answers are data: no page may run, frame or guess at them. Strict-Transport-Security is the proxy's, which
 * has the TLS. */
bool layer_security_headers(struct exchange *exchange)
{
    http_respond_header(exchange->request, "X-Content-Type-Options", "nosniff");
    http_respond_header(exchange->request, "X-Frame-Options", "DENY");
    http_respond_header(exchange->request, "Referrer-Policy", "no-referrer");
    if (strncmp(http_request_path(exchange->request), "/api/", 5) == 0)
        http_respond_header(exchange->request, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    return !answer_cross_origin(exchange);
}
