#include "rpc_exchange.h"
#include "nwims/v1/alerting.pb-c.h"
#include "nwims/v1/common.pb-c.h"
#include "nwims/v1/detector.pb-c.h"
#include "transcode/transcode.h"
#include "write_headers.h"
#include <stdio.h>
#include <string.h>

const ProtobufCMethodDescriptor *route_method(const struct route *route)
{
    return protobuf_c_service_descriptor_get_method_by_name(route->service, route->rpc_method);
}

void rpc_exchange_violations(
    struct exchange *exchange, const struct transcode_violations *violations, const struct err *err)
{
    struct problem_field fields[COUNT_OF(violations->items)];
    for (size_t i = 0; i < violations->count; i++)
        fields[i] = (struct problem_field){
            .field = violations->items[i].field, .reason = violations->items[i].reason, .index = -1
        };
    if (violations->count > 0)
        exchange_problem_fields(exchange, 422, NULL, "Some fields are wrong; see errors.", fields, violations->count);
    else if (err->kind == ERR_INPUT)
        exchange_problem(exchange, 400, NULL, err->text);
    else
        exchange_fail(exchange, err);
}

/* Services that an installation may lack, and what callers are told then. */
static const struct {
    const ProtobufCServiceDescriptor *service;
    const char *type, *detail;
} optional_services[] = {
    { &nwims__v1__alerting__descriptor, "no-alerting",
        "The service alerting, which keeps the alarms, does not answer: it is not installed here, or is away for a "
        "moment. Nothing was changed. GET /system/services shows what runs." },
    { &nwims__v1__detector__descriptor, "no-detector",
        "The service anomaly-detector, which keeps the anomalies, does not answer: it is not installed here, or is "
        "away for a moment. GET /system/services shows what runs." },
};

bool rpc_exchange_absent(struct exchange *exchange, const ProtobufCServiceDescriptor *service, const struct err *err)
{
    for (size_t i = 0; err->kind == ERR_TRANSIENT && i < COUNT_OF(optional_services); i++)
        if (optional_services[i].service == service) {
            exchange_problem(exchange, 503, optional_services[i].type, optional_services[i].detail);
            return true;
        }
    return false;
}

void rpc_exchange_failure(struct exchange *exchange, const Nwims__V1__Failure *failure, const struct err *err)
{
    struct problem_field fields[32];
    size_t count = 0;
    for (size_t i = 0; failure && i < failure->n_violations && count < COUNT_OF(fields); i++) {
        const Nwims__V1__FieldViolation *violation = failure->violations[i];
        fields[count++] = (struct problem_field){ .field = violation->field,
            .reason = violation->reason,
            .index = violation->has_index ? violation->index : -1 };
    }
    if (count > 0)
        exchange_problem_fields(exchange, problem_status_of(err->kind),
            strcmp(fields[0].field ? fields[0].field : "", "Idempotency-Key") == 0 ? "idempotency-key-reused" : NULL,
            err->text, fields, count);
    else if (failure && failure->type && problem_status_of(err->kind) < 500)
        exchange_problem(exchange, problem_status_of(err->kind), failure->type, err->text);
    else
        exchange_fail(exchange, err);
}

struct filling {
    struct exchange *exchange;
    ProtobufCMessage *message;
    struct transcode_violations *violations;
    struct err *err;
};

static bool fill_from_query(void *context, const char *name, const char *value)
{
    struct filling *filling = context;
    struct err err = { 0 };
    /* What the path says is not for the query to change. */
    bool is_path_parameter = exchange_parameter(filling->exchange, name) != NULL;
    if (!is_path_parameter &&
        transcode_set_field(filling->message, filling->exchange->arena, name, value, filling->violations, &err))
        return true;
    if ((is_path_parameter || err.kind == ERR_NOT_FOUND) &&
        filling->violations->count < COUNT_OF(filling->violations->items)) {
        char *field = arena_text(filling->exchange->arena, name);
        size_t at = filling->violations->count++;
        filling->violations->items[at].field = field ? field : "query";
        filling->violations->items[at].reason = "there is no such query parameter here";
    }
    return true;
}

static bool fill_from_path(const struct filling *filling)
{
    const struct http_match *match = &filling->exchange->match;
    for (size_t i = 0; i < match->parameter_count; i++)
        if (!transcode_set_field(filling->message, filling->exchange->arena, match->parameters[i].name,
                match->parameters[i].value, filling->violations, filling->err))
            return false;
    return true;
}

static bool fill_from_body(const struct filling *filling, bool is_patch)
{
    const char *body;
    size_t size;
    if (!exchange_content_is(filling->exchange, "application/json") &&
        !(is_patch && exchange_content_is(filling->exchange, "application/merge-patch+json"))) {
        exchange_problem(filling->exchange, 415, NULL, "Send application/json.");
        return false;
    }
    if (!exchange_body(filling->exchange, &body, &size))
        return false;
    /* Path parameters are required fields too and come after: so required is looked at in the end. */
    if (size == 0) {
        body = "{}";
        size = 2;
    }
    if (transcode_from_json(
            filling->message, filling->exchange->arena, body, size, false, filling->violations, filling->err))
        return true;
    rpc_exchange_violations(filling->exchange, filling->violations, filling->err);
    return false;
}

bool rpc_exchange_fill(struct exchange *exchange, ProtobufCMessage *message)
{
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    const struct filling filling = { exchange, message, &violations, &err };
    const char *method = exchange->route->method;
    bool is_patch = strcmp(method, "PATCH") == 0;
    bool has_body = is_patch || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    if (has_body ? !fill_from_body(&filling, is_patch) : false)
        return false;
    struct filling by_query = filling;
    bool ok = has_body || http_request_query_each(exchange->request, fill_from_query, &by_query) ||
              err_set(&err, ERR_INPUT, "the query is malformed");
    ok = ok && fill_from_path(&filling) && violations.count == 0;
    ok = ok && transcode_check(message, !is_patch, &violations, exchange->arena, &err);
    if (!ok)
        rpc_exchange_violations(exchange, &violations, &err);
    return ok;
}

/* 201 says where the new thing is, when it has an id. */
static void add_location(struct exchange *exchange, const ProtobufCMessage *reply)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(reply->descriptor, "id");
    char location[256];
    const char *id;
    if (!field || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
        return;
    memcpy(&id, (const char *)reply + field->offset, sizeof id);
    if (!id)
        return;
    int length = snprintf(location, sizeof location, "%s/%s", http_request_path(exchange->request), id);
    if (length > 0 && (size_t)length < sizeof location)
        http_respond_header(exchange->request, "Location", location);
}

static void answer_reply(struct exchange *exchange, const ProtobufCMessage *reply)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct err err = { 0 };
    if (exchange->route->success == 204) {
        http_respond(exchange->request, 204, NULL, NULL, 0);
        return;
    }
    if (exchange->route->success == 201)
        add_location(exchange, reply);
    exchange->version = wire_version(reply);
    if (transcode_to_json(&json, reply, &err))
        exchange_json(exchange, exchange->route->success, &json);
    else
        exchange_fail(exchange, &err);
}

void rpc_exchange(struct exchange *exchange)
{
    const ProtobufCMethodDescriptor *method = route_method(exchange->route);
    ProtobufCMessage *request = wire_new(exchange->arena, method->input);
    ProtobufCMessage *reply = NULL;
    struct Nwims__V1__Failure *failure = NULL;
    struct err err = { 0 };
    if (!request) {
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
        return;
    }
    if (!write_headers_take(exchange) || !rpc_exchange_fill(exchange, request))
        return;
    if (rpc_call(exchange->app->bus, exchange->route->service, exchange->route->rpc_method, &exchange->caller, request,
            exchange->app->config.call_ms, exchange->arena, &reply, &failure, &err))
        answer_reply(exchange, reply);
    else if (!rpc_exchange_absent(exchange, exchange->route->service, &err))
        rpc_exchange_failure(exchange, failure, &err);
}
