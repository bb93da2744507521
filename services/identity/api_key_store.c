#include "api_key_store.h"
#include "base/text.h"
#include "base/uuid.h"
#include "identity.h"
#include "user_account.h"
#include <string.h>

#define SECRET_PREFIX "nwk_"
#define COLUMNS                                                                                                        \
    "id, name, prefix, array_to_string(permissions, ' '), array_to_string(region_ids, ' '), "                          \
    "array_to_string(municipality_ids, ' '), expires_at, created_by, created_at, last_used_at, previous_expires_at"

void api_key_secret_new(struct api_key_secret *secret)
{
    auth_secret_new(secret->text, SECRET_PREFIX);
    auth_sha256(secret->hash, secret->text, strlen(secret->text));
    memcpy(secret->prefix, secret->text, sizeof secret->prefix - 1);
    secret->prefix[sizeof secret->prefix - 1] = '\0';
}

static bool is_missing(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such API key");
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */
static bool fill(
    Nwims__V1__ApiKey *key, const struct store_result *rows, size_t row, struct arena *arena, struct err *err)
{
    key->id = store_result_copy(rows, row, 0, arena);
    key->name = store_result_copy(rows, row, 1, arena);
    key->prefix = store_result_copy(rows, row, 2, arena);
    key->has_expires_at = key->has_created_at = true;
    key->expires_at = store_result_time(rows, row, 6);
    key->created_by = store_result_copy(rows, row, 7, arena);
    key->created_at = store_result_time(rows, row, 8);
    key->has_last_used_at = !store_result_is_null(rows, row, 9);
    key->last_used_at = store_result_time(rows, row, 9);
    key->has_previous_expires_at = !store_result_is_null(rows, row, 10);
    key->previous_expires_at = store_result_time(rows, row, 10);
    return (key->id && key->name && key->prefix && key->created_by &&
               identity_split(arena, store_result_text(rows, row, 3), &key->permissions, &key->n_permissions) &&
               identity_split(arena, store_result_text(rows, row, 4), &key->region_ids, &key->n_region_ids) &&
               identity_split(
                   arena, store_result_text(rows, row, 5), &key->municipality_ids, &key->n_municipality_ids)) ||
           identity_is_full(err);
}

static bool fill_only(Nwims__V1__ApiKey *key, const struct store_result *rows, struct arena *arena, struct err *err)
{
    return store_result_rows(rows) == 1 ? fill(key, rows, 0, arena, err) : is_missing(err);
}

bool api_key_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__ApiKey *out_key, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows, "SELECT " COLUMNS " FROM api_key WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id)), err) &&
           fill_only(out_key, rows, arena, err);
}

bool api_key_store_list(struct store_session *session, int32_t tenant_id, const char *after, int64_t limit,
    struct arena *arena, Nwims__V1__ListApiKeysReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    /* Ids are sorted by the time they were made. One more than asked for tells whether there is a next page. */
    if (!store_query(session, &rows,
            "SELECT " COLUMNS " FROM api_key WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id "
            "LIMIT $3::int8",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(after), PARAM_INT(limit + 1)), err))
        return false;
    size_t count = store_result_rows(rows);
    bool has_more = count > (size_t)limit;
    count -= has_more;
    out_reply->items = arena_alloc_array(arena, count, sizeof(void *));
    for (size_t row = 0; row < count; row++) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__api_key__descriptor);
        if (!out_reply->items || !made || !fill((Nwims__V1__ApiKey *)made, rows, row, arena, err))
            return identity_is_full(err);
        out_reply->items[out_reply->n_items++] = (Nwims__V1__ApiKey *)made;
    }
    if (has_more)
        out_reply->next_cursor = store_result_copy(rows, count - 1, 0, arena);
    return !has_more || out_reply->next_cursor || identity_is_full(err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */
static struct store_param texts(char **items, size_t count)
{
    return PARAM_TEXTS((const char *const *)items, count);
}

bool api_key_store_create(struct store_session *session, int32_t tenant_id, const Nwims__V1__ApiKey *key,
    const struct api_key_secret *secret, const char *created_by, struct arena *arena, Nwims__V1__ApiKey *out_key,
    struct err *err)
{
    AUTO(store_result) rows = NULL;
    char id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    return store_query(session, &rows,
               "INSERT INTO api_key (tenant_id, id, name, hash, prefix, permissions, region_ids, municipality_ids, "
               "created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7::text[]::uuid[], $8::text[]::uuid[], $9, "
               "$10) RETURNING " COLUMNS,
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_TEXT(key->name),
                   PARAM_BYTES(secret->hash, SHA256_SIZE), PARAM_TEXT(secret->prefix),
                   texts(key->permissions, key->n_permissions), texts(key->region_ids, key->n_region_ids),
                   texts(key->municipality_ids, key->n_municipality_ids), PARAM_TEXT(created_by),
                   PARAM_TIME(key->expires_at)),
               err) &&
           fill_only(out_key, rows, arena, err);
}

bool api_key_store_rotate(struct store_session *session, int32_t tenant_id, const char *id,
    const struct api_key_secret *secret, const char *created_by, int64_t grace_ms, int64_t expires_at,
    struct arena *arena, Nwims__V1__ApiKey *out_key, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows,
               "UPDATE api_key SET previous_hash = CASE WHEN $6::int8 > 0 THEN hash END, previous_expires_at = CASE "
               "WHEN $6::int8 > 0 THEN least(expires_at, now() + $6::int8 * interval '1 millisecond') END, hash = $3, "
               "prefix = $4, created_by = $5, expires_at = coalesce($7::timestamptz, now() + (expires_at - "
               "rotated_at)), rotated_at = now() WHERE tenant_id = $1 AND id = $2 RETURNING " COLUMNS,
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_BYTES(secret->hash, SHA256_SIZE),
                   PARAM_TEXT(secret->prefix), PARAM_TEXT(created_by), PARAM_INT(grace_ms),
                   expires_at > 0 ? PARAM_TIME(expires_at) : PARAM_NULL),
               err) &&
           fill_only(out_key, rows, arena, err);
}

bool api_key_store_delete(struct store_session *session, int32_t tenant_id, const char *id, struct err *err)
{
    int64_t deleted;
    if (!store_run(session, "DELETE FROM api_key WHERE tenant_id = $1 AND id = $2",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id)), &deleted, err))
        return false;
    return deleted == 1 || is_missing(err);
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */
bool api_key_store_find(struct store_session *session, const void *hash, size_t size, int64_t now_us,
    struct api_key_found *out_key, bool *out_found, struct err *err)
{
    AUTO(store_result) row = NULL;
    char scope[GRANT_SCOPE_SIZE];
    *out_key = (struct api_key_found){ 0 };
    *out_found = false;
    if (!store_query(session, &row,
            "SELECT id, tenant_id, permissions, region_ids, municipality_ids, created_by, key_epoch, tenant_epoch, "
            "tenant_is_active, ends_at FROM find_api_key($1)",
            PARAMS(PARAM_BYTES(hash, size)), err))
        return false;
    if (store_result_rows(row) != 1)
        return true;
    const char *id = store_result_text(row, 0, 0), *created_by = store_result_text(row, 0, 5);
    if (!text_copy(out_key->id, sizeof out_key->id, id, strlen(id)) ||
        !text_copy(out_key->created_by, sizeof out_key->created_by, created_by, strlen(created_by)))
        return err_set(err, ERR_BUG, "an id is no UUID");
    out_key->tenant_id = (int32_t)store_result_int(row, 0, 1);
    out_key->epoch = (int32_t)store_result_int(row, 0, 6);
    out_key->tenant_epoch = (int32_t)store_result_int(row, 0, 7);
    out_key->ends_at = store_result_time(row, 0, 9);
    out_key->is_active = store_result_bool(row, 0, 8) && out_key->ends_at > now_us;
    *out_found = true;
    return user_account_scope(scope, store_result_text(row, 0, 3), store_result_text(row, 0, 4), err) &&
           grants_add(&out_key->grants, scope, store_result_text(row, 0, 2), err);
}
