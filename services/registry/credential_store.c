#include "credential_store.h"
#include "base/text.h"
#include "store/store_timer.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS "id, device_id, kind, created_at, expires_at, lookup, join_eui"

static bool fill(Nwims__V1__Credential *credential, const struct store_result *rows, size_t number, struct arena *arena,
    struct err *err)
{
    struct row row = { .rows = rows, .number = number, .arena = arena };
    credential->id = row_text(&row, 0);
    credential->device_id = row_text(&row, 1);
    credential->kind = row_text(&row, 2);
    credential->has_created_at = row_time(&row, 3, &credential->created_at);
    credential->has_expires_at = row_time(&row, 4, &credential->expires_at);
    credential->lookup = row_text(&row, 5);
    credential->join_eui = row_text(&row, 6);
    return !row.is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool credential_store_list(
    struct work *work, const char *device_id, Nwims__V1__ListCredentialsReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    if (!store_query(work->session, &rows,
            "SELECT " COLUMNS
            " FROM credential WHERE tenant_id = $1 AND device_id = $2 ORDER BY created_at, id LIMIT 100",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(device_id)), err))
        return false;
    size_t count = store_result_rows(rows);
    out_reply->items = arena_alloc_array(arena, count ? count : 1, sizeof *out_reply->items);
    if (!out_reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    for (size_t i = 0; i < count; i++) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__credential__descriptor);
        if (!made)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        out_reply->items[i] = (Nwims__V1__Credential *)made;
        if (!fill(out_reply->items[i], rows, i, arena, err))
            return false;
        out_reply->n_items = i + 1;
    }
    return true;
}

bool credential_store_count(
    struct work *work, const char *device_id, const char *kind, int64_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_run(work->session,
            "DELETE FROM credential WHERE tenant_id = $1 AND device_id = $2 AND expires_at <= now()",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(device_id)), NULL, err) ||
        !store_query(work->session, &rows,
            "SELECT count(*) FROM credential WHERE tenant_id = $1 AND device_id = $2 AND kind = $3",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(device_id), PARAM_TEXT(kind)), err))
        return false;
    *out_count = store_result_int(rows, 0, 0);
    return true;
}

/* The name is locked until the end of the transaction: two devices that claim it at once come one after the other. */
static bool claim_name(struct work *work, const char *device_id, const struct credential *credential,
    int64_t *out_generation, struct err *err)
{
    char name[96], hex[2 * SHA256_SIZE + 1];
    AUTO(store_result) rows = NULL;
    text_hex(hex, credential->verifier, SHA256_SIZE);
    snprintf(name, sizeof name, "credential:%s", hex);
    *out_generation = 0;
    if (!*credential->lookup)
        return true;
    if (!store_lock(work->session, name, err) ||
        !store_query(work->session, &rows,
            "SELECT is_taken($1::bytea, $2::int4, $3::uuid), (SELECT min(generation) FROM credential WHERE tenant_id = "
            "$2::int4 AND verifier = $1::bytea)",
            PARAMS(PARAM_BYTES(credential->verifier, SHA256_SIZE), PARAM_INT(work->tenant_id), PARAM_TEXT(device_id)),
            err))
        return false;
    bool has_one = !store_result_is_null(rows, 0, 1);
    if (store_result_bool(rows, 0, 0))
        return err_set(err, ERR_CONFLICT, "%s is another device's already", credential->lookup);
    if (has_one && !credential->may_repeat)
        return err_set(err, ERR_CONFLICT, "the device %s has this one already", work->key.code);
    *out_generation = has_one && store_result_int(rows, 0, 1) == 0;
    return true;
}

static bool wrap(
    struct work *work, const char *id, const struct credential *credential, struct buffer *out_wrapped, struct err *err)
{
    char context[64];
    snprintf(context, sizeof context, "credential:%s", id);
    if (credential->key_size == 0)
        return true;
    if (!work->registry->master_key)
        return err_set(err, ERR_CONFIG, "a %s credential needs MASTER_KEY", credential->kind);
    return secret_wrap(out_wrapped, work->registry->master_key, context, credential->key, credential->key_size, err);
}

bool credential_store_create(struct work *work, const char *device_id, const struct credential *credential,
    const Nwims__V1__CreateCredentialRequest *request, Nwims__V1__Credential *out_credential, struct err *err)
{
    char id[UUID_TEXT_SIZE];
    int64_t generation;
    AUTO(store_result) rows = NULL;
    AUTO_INPLACE(buffer) wrapped = { .ceiling_bytes = 1024 };
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    return claim_name(work, device_id, credential, &generation, err) && wrap(work, id, credential, &wrapped, err) &&
           store_query(work->session, &rows,
               "INSERT INTO credential (tenant_id, id, device_id, kind, verifier, expires_at, lookup, join_eui, "
               "wrapped, generation) VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, ''), NULLIF($8, ''), $9, $10::int2) "
               "RETURNING " COLUMNS,
               PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id), PARAM_TEXT(device_id), PARAM_TEXT(credential->kind),
                   PARAM_BYTES(credential->verifier, SHA256_SIZE),
                   request->has_expires_at ? PARAM_TIME(request->expires_at) : PARAM_NULL,
                   PARAM_TEXT(credential->lookup), PARAM_TEXT(credential->join_eui),
                   wrapped.size > 0 ? PARAM_BYTES(wrapped.data, wrapped.size) : PARAM_NULL, PARAM_INT(generation)),
               err) &&
           fill(out_credential, rows, 0, work->call->arena, err);
}

static bool announce_deleted(struct work *work, const struct store_result *rows, size_t row, struct err *err)
{
    unsigned char *verifier;
    size_t size;
    if (!store_result_bytes(rows, row, 1, work->call->arena, &verifier, &size) || size != SHA256_SIZE)
        return err_set(err, ERR_LIMIT, "no memory left for a verifier");
    const struct change change = {
        .noun = "credential", .change = "deleted", .id = store_result_text(rows, row, 0), .verifier = verifier
    };
    return work_announce(work, &change, err);
}

bool credential_store_delete(
    struct work *work, const char *device_id, const char *credential_id, size_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "DELETE FROM credential WHERE tenant_id = $1 AND device_id = $2 AND ($3::uuid IS NULL OR id = $3::uuid) "
            "RETURNING id, "
            "verifier",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(device_id), PARAM_TEXT(credential_id)), err))
        return false;
    for (size_t row = 0; row < store_result_rows(rows); row++)
        if (!announce_deleted(work, rows, row, err))
            return false;
    *out_count = store_result_rows(rows);
    return true;
}
