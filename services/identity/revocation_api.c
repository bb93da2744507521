/* For the gateways: which tokens are dead before their time. */
#include "identity.h"
#include <string.h>

enum { MOST_AT_ONCE = 5000 };

static Nwims__V1__Revocation *read_row(const struct store_result *rows, size_t row, struct arena *arena)
{
    ProtobufCMessage *made = wire_new(arena, &nwims__v1__revocation__descriptor);
    Nwims__V1__Revocation *revocation = (Nwims__V1__Revocation *)made;
    if (!revocation)
        return NULL;
    revocation->has_id = revocation->has_epoch = revocation->has_ends_at = true;
    revocation->id = store_result_int(rows, row, 0);
    revocation->kind = store_result_copy(rows, row, 1, arena);
    revocation->subject = store_result_copy(rows, row, 2, arena);
    revocation->epoch = (int32_t)store_result_int(rows, row, 3);
    revocation->ends_at = store_result_time(rows, row, 4);
    return revocation->kind && revocation->subject ? revocation : NULL;
}

bool revocation_list(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__ListRevocationsRequest *request = input;
    Nwims__V1__ListRevocationsReply *reply = output;
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, identity->store, err) ||
        !store_query(session, &rows, "SELECT id, kind, subject, epoch, ends_at FROM list_revocations($1, $2)",
            PARAMS(PARAM_INT(request->after_id), PARAM_INT(MOST_AT_ONCE)), err))
        return false;
    size_t count = store_result_rows(rows);
    reply->has_has_more = true;
    reply->has_more = count == MOST_AT_ONCE;
    reply->items = arena_alloc_array(call->arena, count, sizeof(void *));
    if (count && !reply->items)
        return identity_is_full(err);
    for (size_t row = 0; row < count; row++) {
        reply->items[row] = read_row(rows, row, call->arena);
        if (!reply->items[row])
            return identity_is_full(err);
        reply->n_items = row + 1;
    }
    return true;
}
