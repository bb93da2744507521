/* What can be told of a request before anybody works on it: whether its answer would be taken, and its query. */
#include "http/http_accept.h"
#include "layers/layers.h"
#include "rpc_exchange.h"
#include "transcode/transcode.h"
#include <string.h>

enum { MOST_PAIRS = 100 };

/* The message whose fields the query may name; NULL where there is no query. */
static const ProtobufCMessageDescriptor *query_of(const struct route *route)
{
    if (route->manual)
        return route->manual->query;
    bool has_body = strcmp(route->method, "GET") != 0 && strcmp(route->method, "DELETE") != 0;
    return has_body ? NULL : route_method(route)->input;
}

struct query_check {
    struct exchange *exchange;
    const ProtobufCMessageDescriptor *type;
    const char *names[MOST_PAIRS];
    size_t count;
    struct problem_field faults[32];
    size_t fault_count;
    bool is_too_long;
};

static void fault(struct query_check *check, const char *name, const char *reason)
{
    if (check->fault_count < COUNT_OF(check->faults))
        check->faults[check->fault_count++] = (struct problem_field){ .field = name, .reason = reason, .index = -1 };
}

static bool is_there_already(const struct query_check *check, const char *name)
{
    for (size_t i = 0; i < check->count; i++)
        if (strcmp(check->names[i], name) == 0)
            return true;
    return false;
}

static bool look_at_pair(void *context, const char *name, const char *value)
{
    struct query_check *check = context;
    (void)value;
    if (check->count == MOST_PAIRS) {
        check->is_too_long = true;
        return false;
    }
    const ProtobufCFieldDescriptor *field =
        check->type ? protobuf_c_message_descriptor_get_field_by_name(check->type, name) : NULL;
    /* What the path says is not for the query to change. */
    if (!field || exchange_parameter(check->exchange, name))
        fault(check, name, "there is no such query parameter here");
    else if (field->label != PROTOBUF_C_LABEL_REPEATED && is_there_already(check, name))
        fault(check, name, "is given more than once");
    check->names[check->count++] = name;
    return true;
}

static bool query_is_good(struct exchange *exchange)
{
    struct query_check *check = arena_alloc(exchange->arena, sizeof *check);
    if (!*http_request_query(exchange->request))
        return true;
    if (!check) {
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
        return false;
    }
    *check = (struct query_check){ .exchange = exchange, .type = query_of(exchange->route) };
    if (!http_request_query_each(exchange->request, look_at_pair, check) || check->is_too_long)
        exchange_problem(
            exchange, 400, NULL, check->is_too_long ? "The query has too many parameters." : "The query is malformed.");
    else if (check->fault_count > 0)
        exchange_problem_fields(
            exchange, 422, NULL, "Some query parameters are wrong; see errors.", check->faults, check->fault_count);
    else
        return true;
    return false;
}

/* Any of the types that the route can answer with will do. */
static bool answer_is_acceptable(struct exchange *exchange)
{
    const char *accept = http_request_header(exchange->request, "Accept");
    const struct route *route = exchange->route;
    const char *types = route->manual ? route->manual->reply_media_types : NULL;
    char type[80];
    if (!accept)
        return true;
    for (const char *at = types ? types : "application/json"; *at;) {
        size_t length = strcspn(at, "|");
        if (length < sizeof type) {
            memcpy(type, at, length);
            type[length] = '\0';
            if (http_accepts(accept, type))
                return true;
        }
        at += length + (at[length] == '|');
    }
    exchange_problem(
        exchange, 406, NULL, types ? types : "This is answered as application/json; Accept says otherwise.");
    return false;
}

static bool charset_is_ours(struct exchange *exchange)
{
    if (http_charset_is_utf8(http_request_header(exchange->request, "Content-Type")))
        return true;
    exchange_problem(exchange, 415, NULL, "Send the body in UTF-8.");
    return false;
}

bool layer_check_request(struct exchange *exchange)
{
    return answer_is_acceptable(exchange) && charset_is_ours(exchange) && query_is_good(exchange);
}
