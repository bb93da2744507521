#include "base/number.h"
#include "base/uuid.h"
#include "http/http_internal.h"
#include "http/problem.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum length { LENGTH_NONE = -1, LENGTH_IN_CHUNKS = -2 };

bool http_send(struct mg_connection *connection, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        size_t piece = size < INT_MAX / 2 ? size : INT_MAX / 2;
        if (mg_write(connection, at, piece) != (int)piece)
            return false;
        at += piece;
        size -= piece;
    }
    return true;
}

static void send_or_close(struct http_request *request, const void *data, size_t size)
{
    if (!http_send(request->connection, data, size))
        request->must_close = true;
}

/* ---- the head ---- */

static const char *date_of(struct http_worker *worker)
{
    time_t now = time(NULL);
    struct tm parts;
    if (now != worker->date_second && gmtime_r(&now, &parts)) {
        strftime(worker->date, sizeof worker->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        worker->date_second = now;
    }
    return worker->date;
}

/* Decided before the head is written, because the head says it. */
static bool will_close(const struct http_request *request)
{
    bool leaves_much =
        request->body == BODY_UNREAD &&
        (request->content_length < 0 || request->content_length > DISCARD_BYTES || request->expects_continue);
    return request->must_close || !request->caller_keeps || request->body == BODY_BROKEN || leaves_much ||
           atomic_load(&request->worker->server->is_draining);
}

static void call_before(struct http_request *request, int status)
{
    void (*callback)(void *context, int status) = request->before_answer;
    request->before_answer = NULL;
    if (callback)
        callback(request->before_context, status);
}

void http_before_answer(struct http_request *request, void (*callback)(void *context, int status), void *context)
{
    request->before_answer = callback;
    request->before_context = context;
}

/* A dozen lines in every answer: each asks for its room once. */
static void put_line(struct buffer *out, const char *name, const char *value)
{
    size_t name_length = strlen(name), value_length = strlen(value), length = name_length + value_length + 4;
    char *at = buffer_room(out, length);
    if (!at)
        return;
    at = mempcpy(at, name, name_length);
    at = mempcpy(at, ": ", 2);
    at = mempcpy(at, value, value_length);
    memcpy(at, "\r\n", 2);
    buffer_claim(out, length);
}

static void put_framing(struct buffer *out, int64_t length)
{
    char number[NUMBER_TEXT_SIZE];
    if (length >= 0) {
        number_format_int(number, length);
        put_line(out, "Content-Length", number);
    } else if (length == LENGTH_IN_CHUNKS) {
        put_line(out, "Transfer-Encoding", "chunked");
    }
}

/* length: of the body, or one of enum length. */
static void put_head(struct http_request *request, int status, const char *content_type, int64_t length)
{
    struct http_worker *worker = request->worker;
    struct buffer *out = &worker->out;
    char number[NUMBER_TEXT_SIZE];
    call_before(request, status);
    request->status = status;
    request->must_close = will_close(request);
    buffer_reset(out);
    buffer_put_text(out, "HTTP/1.1 ");
    buffer_put(out, number, number_format_int(number, status));
    buffer_put_char(out, ' ');
    buffer_put_text(out, http_status_text(status));
    buffer_put_text(out, "\r\n");
    put_line(out, "Date", date_of(worker));
    put_framing(out, length);
    if (content_type)
        put_line(out, "Content-Type", content_type);
    buffer_put(out, worker->headers.data, worker->headers.size);
    if (request->must_close)
        buffer_put_text(out, "Connection: close\r\n");
    else if (request->is_old)
        buffer_put_text(out, "Connection: keep-alive\r\n");
    buffer_put_text(out, "\r\n");
}

void http_respond_header(struct http_request *request, const char *name, const char *value)
{
    struct buffer *headers = &request->worker->headers;
    if (request->header_count == MOST_ADDED_HEADERS || request->status != 0)
        return;
    for (const char *c = value; *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return;
    put_line(headers, name, value);
    request->header_count++;
}

/* ---- the whole answer ---- */

static bool may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

void http_respond(struct http_request *request, int status, const char *content_type, const void *body, size_t size)
{
    struct buffer *out = &request->worker->out;
    if (request->status != 0)
        return;
    if (!content_type || !may_have_body(status))
        size = 0;
    put_head(request, status, content_type, may_have_body(status) ? (int64_t)size : LENGTH_NONE);
    if (request->is_head)
        size = 0;
    if (size <= ONE_WRITE_BYTES)
        buffer_put(out, body, size);
    if (!buffer_ok(out) || !buffer_ok(&request->worker->headers)) {
        request->must_close = true;
        http_answer_bare(request->connection, 500, "the answer's headers are too large");
        return;
    }
    if (!http_send(request->connection, out->data, out->size) ||
        (size > ONE_WRITE_BYTES && !http_send(request->connection, body, size)))
        request->must_close = true;
}

void http_answer_bare(struct mg_connection *connection, int status, const char *detail)
{
    char body[384], answer[768], id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    int size = snprintf(body, sizeof body,
        "{\"type\":\"urn:nwims:problem:%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",\"request_id\":\"%s\"}",
        status < 500 ? "malformed" : "internal", http_status_text(status), status, detail, id);
    if (size < 0 || (size_t)size >= sizeof body)
        return;
    size = snprintf(answer, sizeof answer,
        "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\nX-Request-Id: %s\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s",
        status, http_status_text(status), size, id, body);
    if (size > 0 && (size_t)size < sizeof answer && !http_send(connection, answer, (size_t)size))
        return; /* the caller is gone, and the connection is closed in any case */
}

int http_request_status(const struct http_request *request)
{
    return request->status;
}

/* ---- answers of unknown length ---- */

void http_stream_begin(struct http_request *request, int status, const char *content_type)
{
    if (request->status != 0)
        return;
    if (request->is_old) /* knows no chunks: the end of the connection ends the answer */
        request->must_close = true;
    put_head(request, status, content_type, request->is_old ? LENGTH_NONE : LENGTH_IN_CHUNKS);
    request->stream = STREAM_OPEN;
    if (buffer_ok(&request->worker->out))
        send_or_close(request, request->worker->out.data, request->worker->out.size);
    else
        request->stream = STREAM_ENDED;
}

bool http_stream_write(struct http_request *request, const void *data, size_t size)
{
    struct buffer *out = &request->worker->out;
    if (request->stream != STREAM_OPEN || atomic_load(&request->worker->server->is_closing))
        return false;
    if (size == 0 || request->is_head)
        return true;
    bool ok;
    if (request->is_old)
        ok = http_send(request->connection, data, size);
    else {
        buffer_reset(out);
        buffer_printf(out, "%zx\r\n", size);
        if (size <= ONE_WRITE_BYTES) {
            buffer_put(out, data, size);
            buffer_put_text(out, "\r\n");
            ok = buffer_ok(out) && http_send(request->connection, out->data, out->size);
        } else
            ok = buffer_ok(out) && http_send(request->connection, out->data, out->size) &&
                 http_send(request->connection, data, size) && http_send(request->connection, "\r\n", 2);
    }
    if (!ok) {
        request->must_close = true;
        request->stream = STREAM_ENDED;
    }
    return ok;
}

void http_stream_end(struct http_request *request)
{
    if (request->stream == STREAM_OPEN && !request->is_old && !request->is_head)
        send_or_close(request, "0\r\n\r\n", 5);
    request->stream = STREAM_ENDED;
}
