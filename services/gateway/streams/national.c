#include "streams/national.h"
#include "base/number.h"
#include "exchange.h"
#include "nwims/v1/identity.pb-c.h"
#include "nwims/v1/overview.pb-c.h"
#include "query_fill.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TENANTS = 10000, USUAL_PAGE = 50 };

const struct hand_written get_national_manual = {
    .operation_id = "GetNational",
    .summary = "The tenants below your own: how much each has, and its readings by kind, unit and day. Never single "
               "sensors, and nothing of households; meters only in groups of ten and more.",
    .query = &nwims__v1__national_request__descriptor,
    .reply = &nwims__v1__national__descriptor,
};

static bool ask(struct exchange *exchange, const struct rpc_caller *caller, const ProtobufCServiceDescriptor *service,
    const char *method, const ProtobufCMessage *request, ProtobufCMessage **out_reply)
{
    struct err err = { 0 };
    if (rpc_call(exchange->app->bus, service, method, caller, request, exchange->app->config.call_ms, exchange->arena,
            out_reply, NULL, &err))
        return true;
    if (err.kind == ERR_INPUT)
        exchange_problem(exchange, 422, NULL, err.text);
    else
        exchange_fail(exchange, &err);
    return false;
}

/* Those below the caller's own tenant; only identity knows which. */
static bool list_tenants(struct exchange *exchange, Nwims__V1__Tenant ***out_tenants, size_t *out_count)
{
    ProtobufCMessage *reply;
    Nwims__V1__TenantId request = NWIMS__V1__TENANT_ID__INIT;
    struct rpc_caller caller = exchange->caller;
    snprintf(caller.permissions, sizeof caller.permissions, "tenants:read tenants:any");
    request.has_id = true;
    request.id = exchange->caller.tenant_id;
    if (!ask(exchange, &caller, &nwims__v1__identity__descriptor, "ListDescendants", &request.base, &reply))
        return false;
    *out_tenants = ((Nwims__V1__Descendants *)reply)->items;
    *out_count = ((Nwims__V1__Descendants *)reply)->n_items;
    if (*out_count > MOST_TENANTS)
        *out_count = MOST_TENANTS;
    return true;
}

/* The owners are asked in the other tenant, with nothing but the right to count there. */
static bool describe(struct exchange *exchange, const Nwims__V1__Tenant *tenant,
    const Nwims__V1__NationalRequest *request, Nwims__V1__NationalTenant *item)
{
    Nwims__V1__NetworkCountsRequest counted = NWIMS__V1__NETWORK_COUNTS_REQUEST__INIT;
    Nwims__V1__KindDaysRequest days = NWIMS__V1__KIND_DAYS_REQUEST__INIT;
    ProtobufCMessage *network, *reply;
    struct rpc_caller caller = exchange->caller;
    caller.tenant_id = tenant->id;
    caller.scope[0] = '\0';
    snprintf(caller.permissions, sizeof caller.permissions, "overview:read readings:read sensors:read");
    counted.has_without_households = counted.without_households = true;
    days.has_from_at = request->has_from_at;
    days.from_at = request->from_at;
    days.has_to_at = request->has_to_at;
    days.to_at = request->to_at;
    if (!ask(exchange, &caller, &nwims__v1__registry__descriptor, "GetNetworkCounts", &counted.base, &network) ||
        !ask(exchange, &caller, &nwims__v1__history__descriptor, "GetKindDays", &days.base, &reply))
        return false;
    const Nwims__V1__KindDaysReply *kinds = (const Nwims__V1__KindDaysReply *)reply;
    nwims__v1__national_tenant__init(item);
    item->has_tenant_id = true;
    item->tenant_id = tenant->id;
    item->code = tenant->code;
    item->name = tenant->name;
    item->network = (Nwims__V1__NetworkCounts *)network;
    item->days = kinds->items;
    item->n_days = kinds->n_items;
    item->has_left_out = item->has_readings = true;
    item->left_out = kinds->left_out;
    item->readings = kinds->readings;
    item->has_last_reading_at = kinds->has_last_reading_at;
    item->last_reading_at = kinds->last_reading_at;
    return true;
}

static bool read_cursor(struct exchange *exchange, const char *cursor, int64_t *out_after)
{
    if (!cursor || (number_parse_int(cursor, strlen(cursor), out_after) && *out_after > 0))
        return true;
    query_refuse(exchange, "cursor", "is none of ours: use next_cursor of the page before");
    return false;
}

static int by_number(const void *left, const void *right)
{
    const Nwims__V1__Tenant *const *a = left, *const *b = right;
    return ((*a)->id > (*b)->id) - ((*a)->id < (*b)->id);
}

void get_national(struct exchange *exchange)
{
    Nwims__V1__National national = NWIMS__V1__NATIONAL__INIT;
    Nwims__V1__NationalRequest request;
    Nwims__V1__Tenant **tenants;
    size_t count, first = 0;
    int64_t after = 0;
    nwims__v1__national_request__init(&request);
    if (*exchange->caller.scope) {
        exchange_problem(exchange, 403, NULL, "You may see the overview of parts of your own tenant only.");
        return;
    }
    if (!query_fill(exchange, &request.base) || !read_cursor(exchange, request.cursor, &after) ||
        !list_tenants(exchange, &tenants, &count))
        return;
    if (count > 0)
        qsort(tenants, count, sizeof *tenants, by_number);
    while (first < count && tenants[first]->id <= after)
        first++;
    national.items = arena_alloc_array(exchange->arena, count, sizeof *national.items);
    Nwims__V1__NationalTenant *items = arena_alloc_array(exchange->arena, count, sizeof *items);
    if (!national.items || !items) {
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
        return;
    }
    size_t end = first + (request.has_limit ? (size_t)request.limit : USUAL_PAGE);
    for (size_t i = first; i < count && i < end; i++) {
        if (!describe(exchange, tenants[i], &request, &items[i]))
            return;
        national.items[national.n_items++] = &items[i];
    }
    if (end < count)
        national.next_cursor = arena_printf(exchange->arena, "%" PRId32, tenants[end - 1]->id);
    exchange_message(exchange, 200, &national.base);
}
