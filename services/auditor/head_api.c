#include "auditor.h"
#include "base/number.h"
#include "base/text.h"
#include "head_store.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <string.h>

enum { PAGE_PRESET = 100, PAGE_LARGEST = 1000 };

static Nwims__V1__ChainHead *show(const struct stored_head *head, struct arena *arena)
{
    char hash[2 * SHA256_SIZE + 1];
    Nwims__V1__ChainHead *shown = (Nwims__V1__ChainHead *)wire_new(arena, &nwims__v1__chain_head__descriptor);
    if (!shown)
        return NULL;
    text_hex(hash, head->head.hash, SHA256_SIZE);
    shown->has_tenant_id = shown->has_ends_at = shown->has_sequence = shown->has_signed_at = true;
    shown->tenant_id = head->head.tenant_id;
    shown->ends_at = head->head.ends_at;
    shown->sequence = head->head.sequence;
    shown->signed_at = head->head.signed_at;
    shown->hash = arena_text(arena, hash);
    shown->signature = arena_text(arena, head->jws);
    return shown->hash && shown->signature ? shown : NULL;
}

static bool check(
    struct rpc_call *call, const Nwims__V1__ListHeadsRequest *request, int64_t *out_after, struct err *err)
{
    *out_after = request->has_from_at ? request->from_at - 1 : 0;
    if (request->cursor && *request->cursor &&
        (!number_parse_int(request->cursor, strnlen(request->cursor, 32), out_after) || *out_after < 0))
        rpc_violation(call, err, "cursor", "must be the next_cursor of the page before");
    if (request->has_limit && (request->limit < 1 || request->limit > PAGE_LARGEST))
        rpc_violation(call, err, "limit", "must be from 1 to %d", PAGE_LARGEST);
    return err->kind == ERR_NONE;
}

bool heads_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    const Nwims__V1__ListHeadsRequest *wanted = request;
    Nwims__V1__ListHeadsReply *list = reply;
    AUTO(store_session) session = NULL;
    struct stored_head *heads;
    size_t count, limit = wanted->has_limit ? (size_t)wanted->limit : PAGE_PRESET;
    int32_t tenant_id;
    int64_t after;
    if (!check(call, wanted, &after, err) ||
        !auditor_begin(context, call, wanted->unattributed, &session, &tenant_id, err) ||
        !head_store_list(session, tenant_id, after, limit + 1, call->arena, &heads, &count, err))
        return false;
    bool has_more = count > limit;
    count = has_more ? limit : count;
    list->items = arena_alloc_array(call->arena, count + 1, sizeof *list->items);
    for (size_t i = 0; list->items && i < count; i++) {
        list->items[i] = show(&heads[i], call->arena);
        if (!list->items[i])
            return err_set(err, ERR_LIMIT, "the page is too large; ask for fewer");
        list->n_items = i + 1;
    }
    if (has_more)
        list->next_cursor = arena_printf(call->arena, "%" PRId64, heads[limit - 1].head.ends_at);
    return (list->items && (list->next_cursor || !has_more)) || err_set(err, ERR_LIMIT, "no memory left for the page");
}

bool keys_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    struct auditor *auditor = context;
    (void)request;
    return key_store_list(auditor->keys, call->arena, reply, err);
}
