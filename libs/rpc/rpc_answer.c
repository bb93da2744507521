#include "base/clock.h"
#include "nwims/v1/common.pb-c.h"
#include "rpc/rpc_internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEADER_TEXT_SIZE = 200, MOST_VIOLATIONS = 1000 };

bool rpc_violation(struct rpc_call *call, struct err *err, const char *field, const char *format, ...)
{
    char reason[sizeof err->text];
    va_list values;
    va_start(values, format);
    vsnprintf(reason, sizeof reason, format, values);
    va_end(values);
    Nwims__V1__Failure *failure = call->failure;
    size_t count = failure->n_violations;
    if (count < MOST_VIOLATIONS && (count & (count - 1)) == 0) { /* full at every power of two */
        Nwims__V1__FieldViolation **grown = arena_alloc_array(call->arena, count ? count * 2 : 1, sizeof(void *));
        if (!grown)
            return err_set(err, ERR_LIMIT, "no memory left to say what is wrong with %s", field);
        if (count)
            memcpy(grown, failure->violations, count * sizeof(void *));
        failure->violations = grown;
    }
    ProtobufCMessage *made = wire_new(call->arena, &nwims__v1__field_violation__descriptor);
    Nwims__V1__FieldViolation *violation = (Nwims__V1__FieldViolation *)made;
    if (violation && count < MOST_VIOLATIONS) {
        violation->field = arena_text(call->arena, field);
        violation->reason = arena_text(call->arena, reason);
        failure->violations[failure->n_violations++] = violation;
    }
    return err_set(err, ERR_INPUT, "%s: %s", field, reason);
}

bool rpc_answered(struct rpc_call *call)
{
    call->is_answered = true;
    return false;
}

/* Header values are one line of printable ASCII. */
static void header_text(char target[HEADER_TEXT_SIZE], const char *text)
{
    size_t length = 0;
    for (; *text && length < HEADER_TEXT_SIZE - 1; text++)
        target[length++] = (char)(*text >= ' ' && *text < 0x7f ? *text : '?');
    target[length] = '\0';
}

static bool send(struct bus *bus, const struct bus_message *message, const struct buffer *body, int status,
    const char *text, struct err *err)
{
    char number[16], line[HEADER_TEXT_SIZE];
    snprintf(number, sizeof number, "%d", status);
    header_text(line, text);
    struct bus_header headers[] = { { RPC_HEADER_STATUS, number }, { RPC_HEADER_MESSAGE, line } };
    return bus_reply(bus, message, body->data ? body->data : "", body->size, headers, *line ? 2 : 1, err);
}

/* The caller hears what it can act on; what only our operators can mend stays in the log. */
static const char *text_for_caller(const struct err *err)
{
    switch (err->kind) {
    case ERR_BUG:
    case ERR_CONFIG:
        return "internal error";
    case ERR_TRANSIENT:
        return "temporarily unavailable, try again";
    default:
        return err->text;
    }
}

static void send_failure(
    struct bus *bus, const struct bus_message *message, struct buffer *body, int status, Nwims__V1__Failure *failure)
{
    struct err ignored = { 0 };
    buffer_reset(body);
    /* Without room for the violations the header still says enough; if the bus is away, the caller's own time-out tells
     * it. */
    if (!wire_encode(body, &failure->base, &ignored))
        buffer_reset(body);
    (void)send(bus, message, body, status, failure->message, &ignored);
}

void rpc_refuse(struct bus *bus, const struct bus_message *message, int status, const char *text)
{
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = 4096 };
    Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
    char copy[HEADER_TEXT_SIZE];
    header_text(copy, text);
    failure.message = copy;
    send_failure(bus, message, &body, status, &failure);
}

static void log_failure(const struct log_scope *scope, const char *method, const struct err *err)
{
    if (err->kind == ERR_BUG || err->kind == ERR_TRANSIENT || err->kind == ERR_CONFIG)
        log_warn(
            scope, "rpc.failed", LOG_TEXT("method", method), LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
}

/* Decodes, handles, encodes: the reply is in answerer->reply afterwards. */
static bool run(struct rpc_answerer *answerer, const ProtobufCMethodDescriptor *method, rpc_handler *handler,
    struct rpc_call *call, const struct bus_message *message, struct err *err)
{
    ProtobufCMessage *request;
    ProtobufCMessage *reply = wire_new(&answerer->arena, method->output);
    if (!reply)
        return err_set(err, ERR_LIMIT, "no memory left for the reply");
    if (!wire_decode(
            &request, &answerer->arena, method->input, bus_message_data(message), bus_message_size(message), err))
        return false;
    call->method = method;
    call->request = request;
    call->reply = reply;
    if (!handler(answerer->context, call, request, reply, err) && (err->kind != ERR_NONE || !call->is_answered)) {
        /* A failure without a reason is the handler's own fault, and must not look like a success. */
        return err->kind == ERR_NONE ? err_set(err, ERR_BUG, "the handler failed without a reason") : false;
    }
    buffer_reset(&answerer->reply);
    return wire_encode(&answerer->reply, reply, err);
}

static void answer_method(struct rpc_answerer *answerer, unsigned index, const struct rpc_pending *pending)
{
    const ProtobufCMethodDescriptor *method = &answerer->service->methods[index];
    Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
    struct rpc_caller caller = { 0 };
    struct rpc_call call = {
        .caller = &caller, .arena = &answerer->arena, .deadline_us = pending->deadline_us, .failure = &failure
    };
    struct err err = { 0 };
    bool ok = rpc_caller_from_message(&caller, pending->message, &err);
    call.scope = (struct log_scope){ caller.trace.trace_id, caller.trace.span_id, caller.request_id, caller.tenant_id };
    ok = ok && run(answerer, method, answerer->handlers[index], &call, pending->message, &err) &&
         send(answerer->bus, pending->message, &answerer->reply, 0, "", &err);
    if (!ok) {
        log_failure(&call.scope, method->name, &err);
        failure.message = (char *)(uintptr_t)text_for_caller(&err);
        send_failure(answerer->bus, pending->message, &answerer->reply, rpc_status_of(err.kind), &failure);
    }
    rpc_metrics_observe(answerer->metrics, index, err.kind, clock_monotonic_us() - pending->received_us);
}

/* The method's index, or n_methods. */
static unsigned method_of(const ProtobufCServiceDescriptor *service, const char *subject)
{
    const char *dot = strrchr(subject, '.');
    const ProtobufCMethodDescriptor *method =
        dot ? protobuf_c_service_descriptor_get_method_by_name(service, dot + 1) : NULL;
    return method ? (unsigned)(method - service->methods) : service->n_methods;
}

void rpc_answer(struct rpc_answerer *answerer, const struct rpc_pending *pending)
{
    unsigned index = method_of(answerer->service, bus_message_subject(pending->message));
    arena_reset(&answerer->arena);
    if (index == answerer->service->n_methods) {
        rpc_metrics_refused(answerer->metrics, RPC_REFUSED_UNKNOWN);
        rpc_refuse(answerer->bus, pending->message, RPC_UNIMPLEMENTED, "no such method");
        return;
    }
    /* Nobody waits for the answer any more: work on it would only make the next ones late too. */
    if (clock_monotonic_us() >= pending->deadline_us) {
        rpc_metrics_refused(answerer->metrics, RPC_REFUSED_LATE);
        rpc_refuse(answerer->bus, pending->message, rpc_status_of(ERR_DEADLINE),
            "the caller's time was over before its turn came");
        return;
    }
    rpc_metrics_in_flight(answerer->metrics, 1);
    answer_method(answerer, index, pending);
    rpc_metrics_in_flight(answerer->metrics, -1);
}
