#include "session_store.h"
#include "base/text.h"
#include "store/store_timer.h"
#include <stdio.h>
#include <string.h>

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
            "SELECT user_id, tenant_id, password_hash, roles, is_active FROM find_login($1, nullif($2::int4, 0))",
            PARAMS(PARAM_TEXT(email), PARAM_INT(tenant_id)), err))
        return false;
    *out_found = store_result_rows(result) == 1;
    if (!*out_found)
        return true;
    out_candidate->tenant_id = (int32_t)store_result_int(result, 0, 1);
    out_candidate->is_active = store_result_bool(result, 0, 4);
    return copy_column(out_candidate->user_id, sizeof out_candidate->user_id, result, 0, err) &&
           copy_column(out_candidate->password_hash, sizeof out_candidate->password_hash, result, 2, err) &&
           copy_column(out_candidate->roles, sizeof out_candidate->roles, result, 3, err);
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

bool session_use_token(struct store_session *session, const unsigned char hash[SHA256_SIZE],
    enum refresh_outcome *out_outcome, struct err *err)
{
    AUTO(store_result) result = NULL;
    /* The row as it was: a second statement would see what this one did. */
    if (!store_query(session, &result,
            "UPDATE refresh_token r SET used_at = coalesce(r.used_at, now()) "
            "FROM (SELECT hash, used_at, expires_at FROM refresh_token WHERE hash = $1 FOR UPDATE) b "
            "WHERE r.hash = b.hash RETURNING b.used_at IS NOT NULL, b.expires_at <= now()",
            PARAMS(PARAM_BYTES(hash, SHA256_SIZE)), err))
        return false;
    if (store_result_rows(result) == 0 || store_result_bool(result, 0, 1))
        *out_outcome = REFRESH_OVER;
    else
        *out_outcome = store_result_bool(result, 0, 0) ? REFRESH_REUSED : REFRESH_GOOD;
    return true;
}

bool session_put_token(struct store_session *session, const unsigned char hash[SHA256_SIZE],
    const struct refresh_family *family, int64_t lives_ms, struct err *err)
{
    return store_run(session,
        "INSERT INTO refresh_token (hash, family, tenant_id, user_id, expires_at) "
        "VALUES ($1, $2, $3, $4, now() + $5::int8 * interval '1 millisecond')",
        PARAMS(PARAM_BYTES(hash, SHA256_SIZE), PARAM_TEXT(family->id), PARAM_INT(family->tenant_id),
            PARAM_TEXT(family->user_id), PARAM_INT(lives_ms)),
        NULL, err);
}

bool session_end_family(struct store_session *session, const struct refresh_family *family, struct err *err)
{
    return store_run(session, "DELETE FROM refresh_token WHERE family = $1", PARAMS(PARAM_TEXT(family->id)), NULL, err);
}

bool session_read_roles(struct store_session *session, const struct refresh_family *family, char roles[256],
    bool *out_active, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result,
            "SELECT array_to_string(u.roles, ' ') FROM app_user u JOIN tenant t ON t.id = u.tenant_id "
            "WHERE u.tenant_id = $1 AND u.id = $2 AND u.state = 'active' AND t.state = 'active'",
            PARAMS(PARAM_INT(family->tenant_id), PARAM_TEXT(family->user_id)), err))
        return false;
    *out_active = store_result_rows(result) == 1;
    return !*out_active || copy_column(roles, 256, result, 0, err);
}

bool session_purge(struct store *store, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, store, err) && store_run(session, "SELECT purge()", NO_PARAMS, NULL, err);
}
