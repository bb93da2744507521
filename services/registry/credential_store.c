#include "credential_store.h"
#include "auth/auth.h"

bool credential_store_list(struct store_session *session, struct rpc_call *call, const char *device_id,
    Nwims__V1__ListCredentialsReply *reply, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result,
            "SELECT id, device_id, kind, created_at, expires_at FROM registry.credential WHERE tenant_id = $1 AND device_id = $2 ORDER BY created_at, id",
            PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TEXT(device_id)), err))
        return false;
    size_t rows = store_result_rows(result);
    reply->items = arena_alloc_array(call->arena, rows, sizeof *reply->items);
    if (!reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (size_t row = 0; row < rows; row++) {
        Nwims__V1__Credential *item = arena_alloc(call->arena, sizeof *item);
        if (!item)
            return err_set(err, ERR_LIMIT, "no memory left for this call");
        nwims__v1__credential__init(item);
        item->id = store_result_copy(result, row, 0, call->arena);
        item->device_id = store_result_copy(result, row, 1, call->arena);
        item->kind = store_result_copy(result, row, 2, call->arena);
        item->has_created_at = true;
        item->created_at = store_result_time(result, row, 3);
        item->has_expires_at = !store_result_is_null(result, row, 4);
        item->expires_at = store_result_time(result, row, 4);
        reply->items[reply->n_items++] = item;
    }
    return true;
}

bool credential_store_count_live(struct store_session *session, struct rpc_call *call, const char *device_id, int64_t *out_count,
    struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_run(session, "SELECT 1 FROM registry.device WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TEXT(device_id)), NULL, err) ||
        !store_query(session, &result,
            "SELECT count(*) FROM registry.credential WHERE tenant_id = $1 AND device_id = $2 AND (expires_at IS NULL OR expires_at > now())",
            PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TEXT(device_id)), err))
        return false;
    *out_count = store_result_int(result, 0, 0);
    return true;
}

bool credential_store_insert(struct store_session *session, struct rpc_call *call, const Nwims__V1__Credential *credential,
    const unsigned char *verifier, struct err *err)
{
    return store_run(session,
        "INSERT INTO registry.credential (tenant_id, id, device_id, kind, verifier, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TEXT(credential->id), PARAM_TEXT(credential->device_id), PARAM_TEXT(credential->kind),
            PARAM_BYTES(verifier, SHA256_SIZE), PARAM_TIME(credential->created_at),
            credential->has_expires_at ? PARAM_TIME(credential->expires_at) : PARAM_NULL),
        NULL, err);
}

bool credential_store_delete(struct store_session *session, struct rpc_call *call, const char *device_id, const char *id,
    unsigned char **out_verifier, struct err *err)
{
    AUTO(store_result) result = NULL;
    size_t size = 0;
    if (!store_query(session, &result, "DELETE FROM registry.credential WHERE tenant_id = $1 AND device_id = $2 AND id = $3 RETURNING verifier",
            PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TEXT(device_id), PARAM_TEXT(id)), err))
        return false;
    if (store_result_rows(result) == 0)
        return err_set(err, ERR_NOT_FOUND, "the device has no such credential");
    return (store_result_bytes(result, 0, 0, call->arena, out_verifier, &size) && size == SHA256_SIZE) ||
           err_set(err, ERR_BUG, "a verifier is no SHA-256");
}
