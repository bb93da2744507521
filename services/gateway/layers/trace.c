#include "base/uuid.h"
#include "layers/layers.h"
#include <string.h>

/* A caller's own id is kept if it can stand in a header and a log line. */
static bool is_usable(const char *id)
{
    size_t length = id ? strlen(id) : 0;
    if (length == 0 || length >= sizeof((struct rpc_caller *)0)->request_id)
        return false;
    return strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == length;
}

bool layer_trace(struct exchange *exchange)
{
    struct rpc_caller *caller = &exchange->caller;
    const char *given = http_request_header(exchange->request, "X-Request-Id");
    char traceparent[TRACEPARENT_SIZE];
    if (is_usable(given)) {
        memcpy(caller->request_id, given, strlen(given) + 1);
    } else {
        struct uuid id = uuid_new();
        uuid_format(caller->request_id, &id);
    }
    trace_begin(&caller->trace, http_request_header(exchange->request, "traceparent"));
    trace_format(traceparent, &caller->trace);
    const char *peer = http_request_peer(exchange->request);
    memcpy(caller->peer, peer, strnlen(peer, sizeof caller->peer - 1)); /* into zeroes */
    exchange->scope = (struct log_scope){
        .trace_id = caller->trace.trace_id, .span_id = caller->trace.span_id, .request_id = caller->request_id
    };
    http_respond_header(exchange->request, "X-Request-Id", caller->request_id);
    http_respond_header(exchange->request, "traceparent", traceparent);
    return true;
}
