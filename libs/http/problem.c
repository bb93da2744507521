#include "http/problem.h"
#include "base/json_writer.h"
#include <inttypes.h>
#include <stdio.h>

/* URIs of problem types need not lead anywhere (RFC 9457, section 4); a tag URI promises that it does not. */
#define PROBLEM_TYPE_BASE "urn:nwims:problem:"

static const struct {
    int status;
    const char *type;
    const char *title;
} known[] = {
    { 200, "ok", "OK" },
    { 201, "created", "Created" },
    { 202, "accepted", "Accepted" },
    { 204, "no-content", "No Content" },
    { 304, "not-modified", "Not Modified" },
    { 400, "malformed", "Bad Request" },
    { 401, "unauthenticated", "Unauthorized" },
    { 403, "denied", "Forbidden" },
    { 404, "not-found", "Not Found" },
    { 405, "method-not-allowed", "Method Not Allowed" },
    { 406, "not-acceptable", "Not Acceptable" },
    { 408, "too-slow", "Request Timeout" },
    { 409, "conflict", "Conflict" },
    { 411, "length-required", "Length Required" },
    { 412, "precondition-failed", "Precondition Failed" },
    { 413, "too-large", "Content Too Large" },
    { 414, "target-too-long", "URI Too Long" },
    { 415, "unsupported-media-type", "Unsupported Media Type" },
    { 426, "upgrade-required", "Upgrade Required" },
    { 422, "invalid", "Unprocessable Content" },
    { 429, "too-many-requests", "Too Many Requests" },
    { 431, "headers-too-large", "Request Header Fields Too Large" },
    { 500, "internal", "Internal Server Error" },
    { 501, "not-implemented", "Not Implemented" },
    { 503, "unavailable", "Service Unavailable" },
    { 504, "timeout", "Gateway Timeout" },
};

static size_t place_of(int status)
{
    size_t i = 0;
    while (i + 1 < COUNT_OF(known) && known[i].status != status)
        i++;
    return i;
}

const char *http_status_text(int status)
{
    size_t i = place_of(status);
    return known[i].status == status ? known[i].title : "Unknown";
}

int problem_status_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return 200;
    case ERR_INPUT:
        return 422;
    case ERR_UNAUTHENTICATED:
        return 401;
    case ERR_DENIED:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_CONFLICT:
        return 409;
    case ERR_PRECONDITION:
        return 412;
    case ERR_LIMIT:
        return 429;
    case ERR_TRANSIENT:
        return 503;
    case ERR_DEADLINE:
        return 504;
    case ERR_CONFIG:
    case ERR_BUG:
        break;
    }
    return 500;
}

static void write_fields(struct json_writer *writer, const struct problem *problem)
{
    json_key(writer, "errors");
    json_begin_array(writer);
    for (size_t i = 0; i < problem->field_count; i++) {
        const struct problem_field *field = &problem->fields[i];
        json_begin_object(writer);
        if (field->index >= 0)
            json_put_int(writer, "index", field->index);
        if (field->field)
            json_put_text(writer, "field", field->field);
        if (field->code)
            json_put_text(writer, "code", field->code);
        json_put_text(writer, "reason", field->reason ? field->reason : "is wrong");
        json_end_object(writer);
    }
    json_end_array(writer);
}

void problem_respond(struct http_request *request, const struct problem *problem)
{
    AUTO_INPLACE(buffer) body = { 0 };
    struct json_writer writer;
    char type[128], seconds[24];
    size_t place = place_of(problem->status);
    snprintf(type, sizeof type, PROBLEM_TYPE_BASE "%s", problem->type ? problem->type : known[place].type);
    json_writer_init(&writer, &body);
    json_begin_object(&writer);
    json_put_text(&writer, "type", type);
    json_put_text(&writer, "title", http_status_text(problem->status));
    json_put_int(&writer, "status", problem->status);
    if (problem->detail)
        json_put_text(&writer, "detail", problem->detail);
    const char *instance = problem->instance ? problem->instance : http_request_path(request);
    if (*instance) /* not known of a request that could not be read */
        json_put_text(&writer, "instance", instance);
    if (problem->request_id)
        json_put_text(&writer, "request_id", problem->request_id);
    if (problem->field_count > 0)
        write_fields(&writer, problem);
    json_end_object(&writer);
    if (problem->retry_after_s > 0) {
        snprintf(seconds, sizeof seconds, "%" PRId64, problem->retry_after_s);
        http_respond_header(request, "Retry-After", seconds);
    }
    if (problem->status == 401)
        http_respond_header(request, "WWW-Authenticate", "Bearer realm=\"nwims\"");
    if (buffer_ok(&body))
        http_respond(request, problem->status, "application/problem+json", body.data, body.size);
    else
        http_respond(request, 500, NULL, NULL, 0);
}

void http_problem(struct http_request *request, int status, const char *type, const char *detail)
{
    const struct problem problem = { .status = status, .type = type, .detail = detail };
    problem_respond(request, &problem);
}
