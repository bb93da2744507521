#include "query_fill.h"
#include "transcode/transcode.h"

struct filling {
    struct exchange *exchange;
    ProtobufCMessage *message;
    struct transcode_violations violations;
    bool is_good;
};

static bool fill(void *context, const char *name, const char *value)
{
    struct filling *filling = context;
    struct err err = { 0 };
    /* One that is wrong is among the violations; the others are looked at all the same. */
    bool is_set =
        transcode_set_field(filling->message, filling->exchange->arena, name, value, &filling->violations, &err);
    filling->is_good = filling->is_good && is_set;
    return true;
}

bool query_fill(struct exchange *exchange, ProtobufCMessage *message)
{
    struct filling filling = { .exchange = exchange, .message = message, .is_good = true };
    struct problem_field fields[COUNT_OF(filling.violations.items)];
    struct err err = { 0 };
    if (http_request_query_each(exchange->request, fill, &filling) && filling.is_good &&
        transcode_check(message, true, &filling.violations, exchange->arena, &err))
        return true;
    for (size_t i = 0; i < filling.violations.count; i++)
        fields[i] = (struct problem_field){
            .field = filling.violations.items[i].field, .reason = filling.violations.items[i].reason, .index = -1
        };
    if (filling.violations.count > 0)
        exchange_problem_fields(
            exchange, 422, NULL, "Some query parameters are wrong; see errors.", fields, filling.violations.count);
    else
        exchange_problem(exchange, 400, NULL, "The query is malformed.");
    return false;
}

void query_refuse(struct exchange *exchange, const char *parameter, const char *reason)
{
    const struct problem_field field = { .field = parameter, .reason = reason, .index = -1 };
    exchange_problem_fields(exchange, 422, NULL, "A query parameter is wrong; see errors.", &field, 1);
}
