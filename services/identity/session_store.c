#include "session_store.h"
#include "base/text.h"
#include "store/store_timer.h"
#include <stdio.h>
#include <string.h>

/* How many answers may be lost in a row. */
enum { MOST_RETRIES = 5 };

static bool copy_column(char *target, size_t size, const struct store_result *result, size_t column, struct err *err)
{
    const char *text = store_result_text(result, 0, column);
    return (text && text_copy(target, size, text, strlen(text))) ||
           err_set(err, ERR_BUG, "column %zu of a session does not fit into %zu bytes", column, size);
}

bool session_find_login(struct store_session *session, const char *email, int32_t tenant_id,
    struct login_candidate *out_candidate, bool *out_found, struct err *err)
{
    AUTO(store_result) result = NULL;
    *out_candidate = (struct login_candidate){ 0 };
    if (!store_query(session, &result,
            "SELECT user_id, tenant_id, password_hash, is_active FROM find_login($1, nullif($2::int4, 0))",
            PARAMS(PARAM_TEXT(email), PARAM_INT(tenant_id)), err))
        return false;
    *out_found = store_result_rows(result) == 1;
    if (!*out_found)
        return true;
    out_candidate->tenant_id = (int32_t)store_result_int(result, 0, 1);
    out_candidate->is_active = store_result_bool(result, 0, 3);
    return copy_column(out_candidate->user_id, sizeof out_candidate->user_id, result, 0, err) &&
           copy_column(out_candidate->password_hash, sizeof out_candidate->password_hash, result, 2, err);
}

bool session_note_login(struct store_session *session, int32_t tenant_id, const char *user_id, struct err *err)
{
    return store_run(session, "UPDATE app_user SET last_login_at = now() WHERE tenant_id = $1 AND id = $2",
        PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(user_id)), NULL, err);
}

bool session_find_family(struct store_session *session, const unsigned char hash[SHA256_SIZE],
    struct refresh_family *out_family, bool *out_found, struct err *err)
{
    AUTO(store_result) result = NULL;
    *out_family = (struct refresh_family){ 0 };
    if (!store_query(session, &result, "SELECT family, tenant_id, user_id FROM find_refresh_token($1)",
            PARAMS(PARAM_BYTES(hash, SHA256_SIZE)), err))
        return false;
    *out_found = store_result_rows(result) == 1;
    if (!*out_found)
        return true;
    out_family->tenant_id = (int32_t)store_result_int(result, 0, 1);
    return copy_column(out_family->id, sizeof out_family->id, result, 0, err) &&
           copy_column(out_family->user_id, sizeof out_family->user_id, result, 2, err);
}

bool session_lock_family(struct store_session *session, const struct refresh_family *family, struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "identity.family:%s", family->id);
    return store_lock(session, name, err);
}

static bool use_up(
    struct store_session *session, int32_t tenant_id, const unsigned char hash[SHA256_SIZE], struct err *err)
{
    return store_run(session, "UPDATE refresh_token SET used_at = clock_timestamp() WHERE tenant_id = $1 AND hash = $2",
               PARAMS(PARAM_INT(tenant_id), PARAM_BYTES(hash, SHA256_SIZE)), NULL, err) &&
           store_run(session,
               "UPDATE refresh_token SET used_at = clock_timestamp(), superseded = true WHERE tenant_id = $1 AND "
               "parent = (SELECT parent FROM refresh_token WHERE tenant_id = $1 AND hash = $2) AND hash <> $2 AND "
               "used_at IS NULL",
               PARAMS(PARAM_INT(tenant_id), PARAM_BYTES(hash, SHA256_SIZE)), NULL, err);
}

bool session_use_token(struct store_session *session, int32_t tenant_id, const unsigned char hash[SHA256_SIZE],
    int64_t retry_ms, enum refresh_outcome *out_outcome, struct err *err)
{
    AUTO(store_result) row = NULL;
    if (!store_query(session, &row,
            "SELECT t.expires_at <= now(), t.used_at IS NOT NULL, NOT t.superseded AND t.used_at > clock_timestamp() - "
            "$2::int8 * interval '1 millisecond' AND (SELECT count(*) < $3::int8 AND bool_and(c.used_at IS NULL) FROM "
            "refresh_token c WHERE c.tenant_id = $4 AND c.parent = t.hash) FROM refresh_token t WHERE t.tenant_id = $4 "
            "AND t.hash = $1 FOR UPDATE OF t",
            PARAMS(PARAM_BYTES(hash, SHA256_SIZE), PARAM_INT(retry_ms), PARAM_INT(MOST_RETRIES), PARAM_INT(tenant_id)),
            err))
        return false;
    bool was_used = store_result_rows(row) == 1 && store_result_bool(row, 0, 1);
    if (store_result_rows(row) == 0 || store_result_bool(row, 0, 0))
        *out_outcome = REFRESH_OVER;
    else if (was_used)
        *out_outcome = store_result_bool(row, 0, 2) ? REFRESH_GOOD : REFRESH_REUSED;
    else
        *out_outcome = REFRESH_GOOD;
    return *out_outcome != REFRESH_GOOD || was_used || use_up(session, tenant_id, hash, err);
}

bool session_put_token(struct store_session *session, const unsigned char hash[SHA256_SIZE],
    const unsigned char *parent, const struct refresh_family *family, int64_t lives_ms, struct err *err)
{
    return store_run(session,
        "INSERT INTO refresh_token (hash, parent, family, tenant_id, user_id, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, now() + $6::int8 * interval '1 millisecond')",
        PARAMS(PARAM_BYTES(hash, SHA256_SIZE), parent ? PARAM_BYTES(parent, SHA256_SIZE) : PARAM_NULL,
            PARAM_TEXT(family->id), PARAM_INT(family->tenant_id), PARAM_TEXT(family->user_id), PARAM_INT(lives_ms)),
        NULL, err);
}

bool session_end_family(struct store_session *session, const struct refresh_family *family, struct err *err)
{
    return store_run(session, "DELETE FROM refresh_token WHERE tenant_id = $1 AND family = $2",
        PARAMS(PARAM_INT(family->tenant_id), PARAM_TEXT(family->id)), NULL, err);
}

bool session_purge(struct store *store, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, store, err) && store_run(session, "SELECT purge()", NO_PARAMS, NULL, err);
}
