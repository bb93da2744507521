#include "service/idempotency.h"
#include <string.h>

/* A key that is too old counts as none: it is taken over. */
#define IS_OLD "< now() - interval '24 hours'"

/* $5 is the request, or its hash already. */
#define HASH "CASE WHEN $6::bool THEN $5::bytea ELSE sha256($5::bytea) END"

static const char claim_sql[] =
    "INSERT INTO idempotency AS i (tenant_id, actor, key, method, request_hash) VALUES ($1, $2, $3, $4, " HASH
    ") ON CONFLICT (tenant_id, actor, key) DO UPDATE SET method = EXCLUDED.method, request_hash = "
    "EXCLUDED.request_hash, reply = NULL, created_at = now() WHERE i.created_at " IS_OLD;

static const char find_sql[] = "SELECT method = $4 AND request_hash = " HASH
                               ", reply FROM idempotency WHERE tenant_id = $1 AND actor = $2 AND key = $3";

/* Every keyed write adds one row and removes up to ten old ones: the table stays as large as a day's writes without a
 * thread that cleans up. */
static const char keep_sql[] =
    "WITH old AS (DELETE FROM idempotency WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency WHERE tenant_id = $1 "
    "AND created_at " IS_OLD
    " ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED))) UPDATE idempotency SET reply = $4 "
    "WHERE tenant_id = $1 AND actor = $2 AND key = $3";

#define OWNER_AND_KEY(caller)                                                                                          \
    PARAM_INT((caller)->tenant_id), PARAM_TEXT((caller)->actor), PARAM_TEXT((caller)->idempotency_key)

static bool answer_again(struct rpc_call *call, const struct store_result *rows, struct err *err)
{
    unsigned char *bytes;
    size_t size;
    ProtobufCMessage *reply = NULL;
    if (!store_result_bool(rows, 0, 0))
        return rpc_violation(call, err, "Idempotency-Key",
            "was used for another request within 24 hours: send a new request with a new key");
    if (store_result_is_null(rows, 0, 1))
        return err_set(err, ERR_CONFLICT,
            "this was done before with the same Idempotency-Key; its answer held a secret, which is shown only once");
    if (!store_result_bytes(rows, 0, 1, call->arena, &bytes, &size))
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    if (!wire_decode(&reply, call->arena, call->method->output, bytes, size, err)) {
        err->kind = ERR_BUG; /* we wrote it ourselves */
        return err_wrap(err, "the answer kept for an Idempotency-Key");
    }
    memcpy(call->reply, reply, call->method->output->sizeof_message);
    return rpc_answered(call);
}

static bool claim(struct store_session *session, struct rpc_call *call, const void *request, size_t size, bool is_hash,
    struct err *err)
{
    const struct rpc_caller *caller = call->caller;
    AUTO(store_result) rows = NULL;
    int64_t claimed = 0;
    const struct store_param params[] = { OWNER_AND_KEY(caller), PARAM_TEXT(call->method->name),
        PARAM_BYTES(request, size), PARAM_BOOL(is_hash) };
    if (!store_run(session, claim_sql, params, COUNT_OF(params), &claimed, err))
        return err_wrap(err, "taking an idempotency key");
    if (claimed == 1)
        return true;
    if (!store_query(session, &rows, find_sql, params, COUNT_OF(params), err))
        return err_wrap(err, "looking an idempotency key up");
    if (store_result_rows(rows) != 1) /* removed for its age in this very moment */
        return err_set(err, ERR_TRANSIENT, "an idempotency key went away while it was looked at");
    return answer_again(call, rows, err);
}

bool idempotency_begin(struct store_session *session, struct rpc_call *call, struct err *err)
{
    AUTO_INPLACE(buffer) request = { .ceiling_bytes = WIRE_LARGEST_MESSAGE };
    if (!*call->caller->idempotency_key)
        return true;
    return wire_encode(&request, call->request, err) &&
           claim(session, call, request.data ? request.data : "", request.size, false, err);
}

bool idempotency_begin_hashed(struct store_session *session, struct rpc_call *call,
    const unsigned char request_hash[IDEMPOTENCY_HASH_SIZE], struct err *err)
{
    return !*call->caller->idempotency_key || claim(session, call, request_hash, IDEMPOTENCY_HASH_SIZE, true, err);
}

bool idempotency_keep(struct store_session *session, const struct rpc_call *call, bool has_secret, struct err *err)
{
    const struct rpc_caller *caller = call->caller;
    AUTO_INPLACE(buffer) reply = { .ceiling_bytes = WIRE_LARGEST_MESSAGE };
    if (!*caller->idempotency_key)
        return true;
    if (!has_secret && !wire_encode(&reply, call->reply, err))
        return false;
    const struct store_param answer = has_secret ? PARAM_NULL : PARAM_BYTES(reply.data ? reply.data : "", reply.size);
    return store_run(session, keep_sql, PARAMS(OWNER_AND_KEY(caller), answer), NULL, err) ||
           err_wrap(err, "keeping an answer");
}
