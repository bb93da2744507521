#include "streams/live_stream.h"
#include "base/clock.h"
#include "exchange.h"
#include "http/http_websocket.h"
#include "layers/layers.h"
#include "live/live.h"
#include "nwims/v1/readings.pb-c.h"
#include "query_fill.h"
#include <string.h>

enum { TURN_MS = 1000 };
/* Proxies end what is silent; a peer that went without a word is noticed when it is written to. */
static const int64_t heartbeat_us = 15 * 1000000;

#define WHAT                                                                                                           \
    "Readings as they are accepted (readings: {\"items\":[...]}) and changes of sensors and the like (change). "       \
    "Bounded "                                                                                                         \
    "by the caller's tenant, scope and the filters. Ends when the token does."

const struct hand_written get_stream_manual = {
    .operation_id = "Stream",
    .summary =
        WHAT " Server-sent events; Last-Event-ID goes on where a connection broke off if that is still in memory, "
             "else the event lost says that something is missing.",
    .query = &nwims__v1__stream_filter__descriptor,
    .reply_media_types = "text/event-stream",
};
const struct hand_written get_socket_manual = {
    .operation_id = "StreamSocket",
    .summary = WHAT " Over a WebSocket (RFC 6455): each text message is {\"type\", \"id\", \"data\"}.",
    .query = &nwims__v1__stream_filter__descriptor,
    .reply_media_types = "application/json",
    .reply_schema = "{\"type\":\"object\"}",
};

/* ---- the filter -----------------------------------------------------------------------------------------------------
 */

/* The texts live as long as the request. False when it answered. */
static bool read_filter(struct exchange *exchange, struct live_filter *out_filter)
{
    Nwims__V1__StreamFilter filter = NWIMS__V1__STREAM_FILTER__INIT;
    if (!query_fill(exchange, &filter.base))
        return false;
    if (filter.n_sensor_id > LIVE_MOST_NAMES) {
        query_refuse(exchange, "sensor_id", "may be given up to 100 times");
        return false;
    }
    *out_filter = (struct live_filter){ .municipality_id = filter.municipality_id,
        .zone_id = filter.zone_id,
        .kind = filter.kind,
        .sensor_ids = filter.sensor_id,
        .sensor_count = filter.n_sensor_id };
    return true;
}

static bool begin_to_watch(struct exchange *exchange, struct live_watcher **out_watcher)
{
    struct live_filter filter;
    struct err err = { 0 };
    if (!read_filter(exchange, &filter))
        return false;
    if (live_watch(out_watcher, exchange->app->live, &exchange->caller, &filter, exchange->arena, &err))
        return true;
    if (err.kind == ERR_LIMIT)
        exchange_retry(exchange, 503, "busy", "As many streams are open as can be served; try again later.", 30);
    else
        exchange_fail(exchange, &err);
    return false;
}

/* ---- while it lasts -------------------------------------------------------------------------------------------------
 */

/* NULL while the stream may go on; else why it ends. The layers judge the caller anew: what they would answer cannot be
 * sent any more and is dropped. */
static const char *reason_to_end(struct exchange *exchange)
{
    if (http_request_is_draining(exchange->request))
        return "the server restarts: connect again";
    if (exchange->claims.expires_at > 0 && exchange->claims.expires_at <= clock_now_us())
        return "the token has ended: connect again with a new one";
    if (!layer_authenticate(exchange) || !layer_authorise(exchange))
        return "the token is not good any more";
    return NULL;
}

/* How one kind of stream is written. */
struct writer {
    struct exchange *exchange;
    struct http_websocket *socket; /* NULL: server-sent events */
    struct buffer text;
};

static bool write_event(struct writer *writer, const struct live_event *event)
{
    buffer_reset(&writer->text);
    buffer_printf(&writer->text,
        writer->socket ? "{\"type\":\"%s\",\"id\":\"%s\",\"data\":" : "event: %s\nid: %s\ndata: ", event->type,
        event->id);
    buffer_put(&writer->text, event->data, event->size);
    buffer_put_text(&writer->text, writer->socket ? "}" : "\n\n");
    if (!buffer_ok(&writer->text))
        return false;
    return writer->socket ? http_websocket_send(writer->socket, writer->text.data, writer->text.size)
                          : http_stream_write(writer->exchange->request, writer->text.data, writer->text.size);
}

/* An event of the stream itself: lost, end. No id: what it says is not to be gone on from. */
static bool write_word(struct writer *writer, const char *type, const char *reason)
{
    buffer_reset(&writer->text);
    buffer_printf(&writer->text,
        writer->socket ? "{\"type\":\"%s\",\"data\":{\"reason\":\"%s\"}}" : "event: %s\ndata: {\"reason\":\"%s\"}\n\n",
        type, reason);
    return writer->socket ? http_websocket_send(writer->socket, writer->text.data, writer->text.size)
                          : http_stream_write(writer->exchange->request, writer->text.data, writer->text.size);
}

static bool beat(struct writer *writer)
{
    static const char comment[] = ": \n\n";
    return writer->socket ? http_websocket_ping(writer->socket)
                          : http_stream_write(writer->exchange->request, comment, sizeof comment - 1);
}

/* Until the peer goes or there is a reason; gives that, NULL if the peer went. */
static const char *serve(struct writer *writer, struct live_watcher *watcher)
{
    int64_t checked_us = clock_monotonic_us(), beaten_us = checked_us;
    for (;;) {
        struct live_event event = { 0 };
        enum live_answer answer = live_next(watcher, TURN_MS, &event);
        int64_t now_us = clock_monotonic_us();
        bool ok = answer != LIVE_EVENT || write_event(writer, &event);
        live_event_done(&event);
        if (answer == LIVE_LOST) {
            bool is_told =
                write_word(writer, "lost", "you read too slowly: some events are gone; GET /readings has them");
            return is_told ? "you read too slowly" : NULL;
        }
        if (!ok ||
            (writer->socket ? !http_websocket_look(writer->socket) : http_request_is_gone(writer->exchange->request)))
            return NULL;
        if (now_us - beaten_us > heartbeat_us) {
            if (!beat(writer))
                return NULL;
            beaten_us = now_us;
        }
        if (now_us - checked_us > TURN_MS * 1000 || answer == LIVE_NOTHING) {
            const char *reason = reason_to_end(writer->exchange);
            if (reason)
                return reason;
            checked_us = now_us;
        }
    }
}

static void resume(struct writer *writer, struct live_watcher *watcher)
{
    const char *last = http_request_header(writer->exchange->request, "Last-Event-ID");
    if (!last || !*last || live_resume(watcher, last))
        return;
    bool is_told =
        write_word(writer, "lost", "what came since that event is not in memory any more; GET /readings has it");
    (void)is_told; /* the next write finds the peer gone too */
}

void get_stream(struct exchange *exchange)
{
    AUTO(live_watcher) watcher = NULL;
    struct writer writer = { .exchange = exchange };
    if (!begin_to_watch(exchange, &watcher))
        return;
    http_respond_header(exchange->request, "Cache-Control", "no-store");
    http_respond_header(exchange->request, "X-Accel-Buffering", "no");
    http_stream_begin(exchange->request, 200, "text/event-stream");
    static const char hello[] = "retry: 3000\n\n";
    if (strcmp(http_request_method(exchange->request), "HEAD") != 0 &&
        http_stream_write(exchange->request, hello, sizeof hello - 1)) {
        resume(&writer, watcher);
        const char *reason = serve(&writer, watcher);
        if (reason && !write_word(&writer, "end", reason))
            log_debug(&exchange->scope, "stream.gone");
    }
    http_stream_end(exchange->request);
    buffer_done(&writer.text);
}

void get_socket(struct exchange *exchange)
{
    AUTO(live_watcher) watcher = NULL;
    struct writer writer = { .exchange = exchange };
    struct err err = { 0 };
    if (!http_websocket_wanted(exchange->request)) {
        http_respond_header(exchange->request, "Upgrade", "websocket");
        exchange_problem(exchange, 426, NULL, "This is a WebSocket; GET /stream gives the same as server-sent events.");
        return;
    }
    if (!begin_to_watch(exchange, &watcher))
        return;
    if (!http_websocket_open(&writer.socket, exchange->request, &err)) {
        exchange_problem(exchange, err.kind == ERR_INPUT ? 400 : 503, NULL, err.text);
        return;
    }
    resume(&writer, watcher);
    const char *reason = serve(&writer, watcher);
    if (reason)
        http_websocket_close(writer.socket,
            http_request_is_draining(exchange->request) ? WEBSOCKET_GOING_AWAY : WEBSOCKET_POLICY, reason);
    buffer_done(&writer.text);
}
