#include "exchange.h"
#include "base/text.h"
#include "transcode/transcode.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void exchange_problem_fields(struct exchange *exchange, int status, const char *type, const char *detail,
    const struct problem_field *fields, size_t count)
{
    const struct problem problem = { .status = status,
        .type = type,
        .detail = detail,
        .request_id = exchange->caller.request_id,
        .fields = fields,
        .field_count = count,
        .retry_after_s = status == 429 || status == 503 ? 1 + (exchange->caller.request_id[0] & 3) : 0 };
    problem_respond(exchange->request, &problem);
}

void exchange_retry(struct exchange *exchange, int status, const char *type, const char *detail, int64_t retry_after_s)
{
    const struct problem problem = { .status = status,
        .type = type,
        .detail = detail,
        .request_id = exchange->caller.request_id,
        .retry_after_s = retry_after_s > 0 ? retry_after_s : 1 };
    problem_respond(exchange->request, &problem);
}

void exchange_problem(struct exchange *exchange, int status, const char *type, const char *detail)
{
    exchange_problem_fields(exchange, status, type, detail, NULL, 0);
}

void exchange_fail(struct exchange *exchange, const struct err *err)
{
    int status = problem_status_of(err->kind);
    if (status < 500) {
        exchange_problem(exchange, status, NULL, err->text);
        return;
    }
    log_warn(&exchange->scope, "request.failed", LOG_TEXT("route", exchange->route ? exchange->route->path : ""),
        LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
    exchange_problem(exchange, status, NULL,
        status == 503 ? "A part of the system is away for a moment; nothing was changed unless said before. Try again."
        : status == 504
            ? "The answer did not come in time; what was asked may have been done. Look, or send the same again."
            : "This is our fault and was logged; give the request_id when you report it.");
}

static bool fail_body(struct exchange *exchange, const struct err *err)
{
    char detail[160];
    switch (err->kind) {
    case ERR_LIMIT:
        snprintf(detail, sizeof detail, "The body is larger than %lld bytes; send it in parts.",
            (long long)exchange->app->config.body_max_bytes);
        exchange_problem(exchange, 413, NULL, detail);
        return false;
    case ERR_DEADLINE:
        exchange_problem(exchange, 408, NULL, "The body came too slowly.");
        return false;
    default:
        exchange_problem(exchange, 400, "body-cut-short", err->text);
        return false;
    }
}

bool exchange_body(struct exchange *exchange, const char **out_body, size_t *out_size)
{
    struct err err = { 0 };
    size_t ceiling = (size_t)exchange->app->config.body_max_bytes;
    if (http_request_encoding(exchange->request) == HTTP_ENCODING_UNKNOWN) {
        exchange_problem(exchange, 415, NULL, "Send the body as it is, or with Content-Encoding: gzip.");
        return false;
    }
    int64_t length = http_request_content_length(exchange->request);
    size_t charge = length < 0 || (size_t)length > ceiling ? ceiling : (size_t)length;
    if (length > (int64_t)ceiling) {
        err_set(&err, ERR_LIMIT, "too large");
        return fail_body(exchange, &err);
    }
    if (!body_budget_take(&exchange->app->bodies, charge)) {
        exchange_problem(exchange, 503, "busy", "Too many large requests are under way; try again in a moment.");
        return false;
    }
    exchange->body_charge = charge;
    if (!http_request_body(exchange->request, ceiling, out_body, out_size, &err))
        return fail_body(exchange, &err);
    exchange->received_bytes = *out_size;
    return true;
}

bool exchange_content_is(const struct exchange *exchange, const char *media_type)
{
    const char *type = http_request_header(exchange->request, "Content-Type");
    if (!type)
        type = "application/json";
    size_t length = strcspn(type, "; \t");
    return length == strlen(media_type) && strncasecmp(type, media_type, length) == 0;
}

static bool matches_etag(const struct exchange *exchange, const char *etag)
{
    const char *wanted = http_request_header(exchange->request, "If-None-Match");
    return wanted && (strstr(wanted, etag) || strcmp(wanted, "*") == 0);
}

static const char *media_type_of(const struct exchange *exchange)
{
    return exchange->route && exchange->route->media_type ? exchange->route->media_type : "application/json";
}

void exchange_json(struct exchange *exchange, int status, const struct buffer *json)
{
    if (!buffer_ok(json)) {
        exchange_problem(exchange, 500, NULL, "The answer is too large; ask for less at a time.");
        return;
    }
    bool is_read = exchange->route && strcmp(exchange->route->method, "GET") == 0 && status == 200;
    char etag[CACHE_ETAG_SIZE];
    if (is_read || exchange->version > 0)
        cache_etag_make(etag, exchange->version, json->data, json->size);
    if (is_read) {
        if (exchange->leads)
            cache_fill(exchange->app->cache, exchange->lookup, etag, json->data, json->size);
        exchange_answer_read(exchange, etag, json->data, json->size);
        return;
    }
    if (exchange->version > 0)
        http_respond_header(exchange->request, "ETag", etag);
    http_respond(exchange->request, status, media_type_of(exchange), json->data, json->size);
}

void exchange_answer_read(struct exchange *exchange, const char *etag, const char *json, size_t size)
{
    http_respond_header(exchange->request, "ETag", etag);
    /* A browser may keep what is private, but asks each time whether it still holds. */
    http_respond_header(exchange->request, "Cache-Control", "private, no-cache");
    if (matches_etag(exchange, etag))
        http_respond(exchange->request, 304, NULL, NULL, 0);
    else
        http_respond(exchange->request, 200, media_type_of(exchange), json, size);
}

void exchange_message(struct exchange *exchange, int status, const ProtobufCMessage *message)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct err err = { 0 };
    if (transcode_to_json(&json, message, &err))
        exchange_json(exchange, status, &json);
    else
        exchange_fail(exchange, &err);
}

const char *exchange_parameter(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->match.parameter_count; i++)
        if (strcmp(exchange->match.parameters[i].name, name) == 0)
            return exchange->match.parameters[i].value;
    return NULL;
}
