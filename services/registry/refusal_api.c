/* What could not be taken, for those who look after it. Taking it up again: replay.c. */
#include "base/clock.h"
#include "base/time_text.h"
#include "field.h"
#include "refusal_store.h"

/* What lies in no place has no region: whoever may see a part of the tenant only may not see this. */
static bool begin(struct work *work, struct registry *registry, struct rpc_call *call, struct err *err)
{
    return work_begin(work, registry, call, "ingest", "read", err) && work_needs_whole_tenant(work, err);
}

static bool read_page(
    struct rpc_call *call, const Nwims__V1__ListRejectionsRequest *request, struct page *page, struct err *err)
{
    struct err why = { 0 };
    *page = (struct page){ .key = PAGE_BY_AGE, .is_descending = true };
    if (!page_begin(page, request->cursor, request->has_limit, request->limit, &why))
        rpc_violation(call, err, "cursor", "%s", why.text);
    field_reference(call, err, "device_id", request->device_id, false);
    return err->kind == ERR_NONE;
}

bool rejection_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ListRejectionsRequest *request = input;
    Nwims__V1__ListRejectionsReply *list = reply;
    AUTO_INPLACE(work) work = { 0 };
    struct page page;
    bool has_more = false;
    if (!read_page(call, request, &page, err) || !begin(&work, context, call, err) ||
        !refusal_store_list(&work, request, &page, list, &has_more, err))
        return false;
    if (!has_more)
        return true;
    const Nwims__V1__Rejection *last = list->items[list->n_items - 1];
    char key[TIME_TEXT_SIZE];
    time_text_format(key, last->received_at);
    list->next_cursor = page_cursor(call->arena, &page, last->id, key);
    return list->next_cursor || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool rejection_get(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO_INPLACE(work) work = { 0 };
    return begin(&work, context, call, err) && refusal_store_get(&work, request->id, reply, err);
}

/* Asked by history, which knows whether the caller may see it. */
bool refusals_count(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__RefusalCountsRequest *request = input;
    const struct registry *registry = context;
    int32_t tenant_id = call->caller->tenant_id;
    AUTO(store_session) session = NULL;
    if (tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    return store_session_open(&session, registry->store, err) && store_begin(session, tenant_id, err) &&
           refusal_store_count(session, tenant_id, request->from_at,
               request->has_to_at ? request->to_at : clock_now_us(), call->arena, reply, err);
}
