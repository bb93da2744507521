#include "base/clock.h"
#include "http/http_gzip.h"
#include "http/http_internal.h"
#include <string.h>

/* mg_read waits until it has all it was asked for, the caller is gone or request_ms have passed; this says which of the
 * last two it was. */
static bool fail_reading(struct http_request *request, int64_t begun_us, struct err *err)
{
    request->body = BODY_BROKEN;
    int64_t took_ms = (clock_monotonic_us() - begun_us) / 1000;
    if (took_ms >= request->worker->server->config.request_ms)
        return err_set(err, ERR_DEADLINE, "the body did not come within %lld ms", (long long)took_ms);
    return err_set(err, ERR_INPUT, "the body is cut short or its chunks are not as HTTP wants them");
}

static bool fail_too_long(size_t ceiling, struct err *err)
{
    return err_set(err, ERR_LIMIT, "the body is longer than %zu bytes", ceiling);
}

/* Memory follows what has really arrived: at most twice that, whatever length was announced. */
static size_t next_piece(const struct buffer *body, int64_t left)
{
    size_t piece = body->size > READ_BYTES ? body->size : READ_BYTES;
    return left >= 0 && (uint64_t)left < piece ? (size_t)left : piece;
}

/* left: what is to come, -1 if chunked. */
static bool read_all(struct http_request *request, size_t ceiling, struct err *err)
{
    struct buffer *body = &request->worker->body;
    int64_t begun_us = clock_monotonic_us(), left = request->content_length;
    while (left != 0) {
        size_t piece = next_piece(body, left);
        if (left < 0 && piece > ceiling - body->size)
            piece = ceiling - body->size + 1;
        char *room = buffer_room(body, piece);
        if (!room)
            return err_set(err, ERR_LIMIT, "no memory for the body");
        int count = mg_read(request->connection, room, piece);
        if (count == 0 && left < 0)
            break;
        if (count <= 0)
            return fail_reading(request, begun_us, err);
        buffer_claim(body, (size_t)count);
        if (body->size > ceiling) {
            request->body = BODY_UNREAD; /* the rest can still be read away */
            return fail_too_long(ceiling, err);
        }
        left -= left > 0 ? count : 0;
        if (left != 0 && clock_monotonic_us() - begun_us > request->worker->server->config.request_ms * 1000)
            return fail_reading(request, begun_us, err);
    }
    return true;
}

static bool tell_to_go_on(struct http_request *request)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool ok = !request->expects_continue || http_send(request->connection, go_on, sizeof go_on - 1);
    request->expects_continue = false;
    return ok;
}

/* Plain as it is, or opened into the worker's other buffer. */
static bool open_body(struct http_request *request, size_t ceiling, const struct buffer **out_body, struct err *err)
{
    struct buffer *opened = &request->worker->opened;
    *out_body = &request->worker->body;
    if ((*out_body)->size == 0 || http_request_encoding(request) == HTTP_ENCODING_NONE)
        return true;
    if (http_request_encoding(request) == HTTP_ENCODING_UNKNOWN)
        return err_set(err, ERR_INPUT, "the body may be sent as it is or as gzip");
    opened->ceiling_bytes = request->worker->body.ceiling_bytes;
    if (__builtin_add_overflow(opened->ceiling_bytes, (size_t)HTTP_GZIP_PIECE, &opened->ceiling_bytes))
        return err_set(err, ERR_BUG, "no ceiling for a body");
    buffer_reset(opened);
    *out_body = opened;
    return http_gzip_open(opened, request->worker->body.data, request->worker->body.size, ceiling, err);
}

bool http_request_body(
    struct http_request *request, size_t ceiling, const char **out_body, size_t *out_size, struct err *err)
{
    struct buffer *body = &request->worker->body;
    if (request->body_was_asked || request->status != 0)
        return err_set(err, ERR_BUG, "the body of a request is read once and before the answer");
    request->body_was_asked = true;
    if (request->content_length > 0 && (uint64_t)request->content_length > ceiling)
        return fail_too_long(ceiling, err);
    /* One for the byte that shows that a chunked body is too long, one for the buffer's own NUL, one because its
     * ceiling is exclusive. */
    if (__builtin_add_overflow(ceiling, (size_t)3, &body->ceiling_bytes))
        return err_set(err, ERR_BUG, "no ceiling for a body");
    buffer_reset(body);
    buffer_put(body, "", 0);
    if (request->body == BODY_UNREAD) {
        request->body = BODY_BROKEN; /* until it is whole */
        if (!tell_to_go_on(request))
            return err_set(err, ERR_INPUT, "the caller is gone");
        http_watch_begin(request);
        bool is_whole = read_all(request, ceiling, err);
        http_watch_end(request);
        if (!is_whole)
            return false;
        request->body = BODY_READ;
    }
    if (!buffer_ok(body))
        return err_set(err, ERR_LIMIT, "no memory for the body");
    const struct buffer *opened;
    if (!open_body(request, ceiling, &opened, err))
        return false;
    *out_body = opened->data;
    *out_size = opened->size;
    return true;
}

static bool discard(struct http_request *request, size_t most)
{
    struct buffer *body = &request->worker->body;
    int64_t left = request->content_length;
    int64_t end_us = clock_monotonic_us() + request->worker->server->config.request_ms * 1000;
    body->ceiling_bytes = READ_BYTES + 2;
    buffer_done(body);
    char *room = buffer_room(body, READ_BYTES);
    for (size_t done = 0; room && left != 0;) {
        size_t piece = left > 0 && left < READ_BYTES ? (size_t)left : READ_BYTES;
        int count = done < most && clock_monotonic_us() < end_us ? mg_read(request->connection, room, piece) : -1;
        if (count == 0 && left < 0)
            return true;
        if (count <= 0)
            return false;
        done += (size_t)count;
        left -= left > 0 ? count : 0;
    }
    return room != NULL;
}

bool http_body_discard(struct http_request *request, size_t most)
{
    http_watch_begin(request);
    bool ok = discard(request, most);
    http_watch_end(request);
    return ok;
}
