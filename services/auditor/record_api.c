#include "auditor.h"
#include "base/number.h"
#include "query_store.h"
#include <inttypes.h>
#include <string.h>

enum { PAGE_PRESET = 100, PAGE_LARGEST = 1000 };

/* "<happened_at>.<sequence>": where the page before ended. */
static bool read_cursor(struct record_place *place, const char *cursor)
{
    size_t length = strnlen(cursor, 64), first = strcspn(cursor, ".");
    return length < 64 && first < length && number_parse_int(cursor, first, &place->happened_at) &&
           number_parse_int(cursor + first + 1, length - first - 1, &place->sequence) && place->sequence > 0;
}

static bool check(
    struct rpc_call *call, const Nwims__V1__ListAuditRequest *request, struct record_place *place, struct err *err)
{
    const char *outcome = request->outcome;
    if (request->cursor && *request->cursor && !read_cursor(place, request->cursor))
        rpc_violation(call, err, "cursor", "must be the next_cursor of the page before");
    if (request->has_limit && (request->limit < 1 || request->limit > PAGE_LARGEST))
        rpc_violation(call, err, "limit", "must be from 1 to %d", PAGE_LARGEST);
    if (request->has_from_at && request->has_to_at && request->from_at >= request->to_at)
        rpc_violation(call, err, "to_at", "must be later than from_at");
    if (outcome && strcmp(outcome, "ok") != 0 && strcmp(outcome, "refused") != 0 && strcmp(outcome, "failed") != 0)
        rpc_violation(call, err, "outcome", "must be ok, refused or failed");
    return err->kind == ERR_NONE;
}

bool records_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    const Nwims__V1__ListAuditRequest *wanted = request;
    Nwims__V1__ListAuditReply *list = reply;
    AUTO(store_session) session = NULL;
    struct record_place place = { 0 };
    int32_t tenant_id;
    int64_t limit = wanted->has_limit ? wanted->limit : PAGE_PRESET;
    if (!check(call, wanted, &place, err) ||
        !auditor_begin(context, call, wanted->unattributed, &session, &tenant_id, err) ||
        !query_store_list(
            session, tenant_id, wanted, &place, limit + 1, call->arena, &list->items, &list->n_items, err))
        return false;
    if (list->n_items <= (size_t)limit)
        return true;
    list->n_items = (size_t)limit;
    const Nwims__V1__AuditRecord *last = list->items[limit - 1];
    list->next_cursor = arena_printf(call->arena, "%" PRId64 ".%" PRId64, last->happened_at, last->sequence);
    return list->next_cursor || err_set(err, ERR_LIMIT, "no memory left for the page");
}

bool record_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    const Nwims__V1__ById *wanted = request;
    AUTO(store_session) session = NULL;
    int32_t tenant_id;
    if (!wanted->id)
        return rpc_violation(call, err, "id", "is required");
    return auditor_begin(context, call, false, &session, &tenant_id, err) &&
           query_store_get(session, tenant_id, wanted->id, call->arena, reply, err);
}
