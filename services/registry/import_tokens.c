#include "import_tokens.h"
#include "auth/auth.h"
#include "base/text.h"
#include "credential.h"
#include "nwims/v1/bulk.pb-c.h"
#include "service/audit.h"
#include <stdio.h>
#include <string.h>

enum { PAGE = 1000, CONTEXT_SIZE = 80, WRAPPED_CEILING = 512 };

/* A wrapped token is good in its own place only. */
static void put_context(char context[CONTEXT_SIZE], const char *job_id, int64_t index)
{
    snprintf(context, CONTEXT_SIZE, "import:%s:%lld", job_id, (long long)index);
}

bool import_tokens_check(const struct work *work, struct err *err)
{
    if (!permission_granted(work->call->caller->permissions, "devices:write"))
        return err_set(err, ERR_DENIED, "tokens for devices need the permission devices:write");
    return work->registry->master_key || err_set(err, ERR_CONFIG, "tokens of an import need MASTER_KEY");
}

/* ---- making ---- */
/* The columns of what is inserted; bytes as hexadecimal texts. */
struct made {
    const char **ids, **devices, **verifiers, **wrapped;
    int64_t *indexes;
    struct change *changes;
    size_t count;
};

static bool made_init(struct made *made, size_t most, struct arena *arena, struct err *err)
{
    *made = (struct made){ .ids = arena_alloc_array(arena, most + 1, sizeof *made->ids),
        .devices = arena_alloc_array(arena, most + 1, sizeof *made->devices),
        .verifiers = arena_alloc_array(arena, most + 1, sizeof *made->verifiers),
        .wrapped = arena_alloc_array(arena, most + 1, sizeof *made->wrapped),
        .indexes = arena_alloc_array(arena, most + 1, sizeof *made->indexes),
        .changes = arena_alloc_array(arena, most + 1, sizeof *made->changes) };
    return (made->ids && made->devices && made->verifiers && made->wrapped && made->indexes && made->changes) ||
           err_set(err, ERR_LIMIT, "no memory left for the tokens");
}

static char *hex_in(struct arena *arena, const void *bytes, size_t size)
{
    char *text = arena_alloc(arena, 2 * size + 1);
    if (text)
        text_hex(text, bytes, size);
    return text;
}

static bool wrap(struct work *work, const char *job_id, int64_t index, const struct credential *credential,
    const char **out_hex, struct err *err)
{
    AUTO_INPLACE(buffer) wrapped = { .ceiling_bytes = WRAPPED_CEILING };
    char context[CONTEXT_SIZE];
    put_context(context, job_id, index);
    if (!secret_wrap(&wrapped, work->registry->master_key, context, credential->token, strlen(credential->token), err))
        return false;
    *out_hex = hex_in(work->call->arena, wrapped.data, wrapped.size);
    return *out_hex || err_set(err, ERR_LIMIT, "no memory left for the tokens");
}

static bool make_one(
    struct work *work, const char *job_id, const struct bulk_item *item, struct made *made, struct err *err)
{
    AUTO_INPLACE(credential) credential = { 0 };
    const Nwims__V1__CreateCredentialRequest request = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
    struct arena *arena = work->call->arena;
    struct uuid uuid = uuid_new();
    char id[UUID_TEXT_SIZE];
    size_t at = made->count;
    uuid_format(id, &uuid);
    if (!credential_prepare(work->call, &request, &credential, err) ||
        !wrap(work, job_id, item->index, &credential, &made->wrapped[at], err))
        return false;
    unsigned char *verifier = arena_alloc(arena, SHA256_SIZE);
    made->ids[at] = arena_text(arena, id);
    made->verifiers[at] = hex_in(arena, credential.verifier, SHA256_SIZE);
    if (!verifier || !made->ids[at] || !made->verifiers[at])
        return err_set(err, ERR_LIMIT, "no memory left for the tokens");
    memcpy(verifier, credential.verifier, SHA256_SIZE);
    made->devices[at] = item->id;
    made->indexes[at] = item->index;
    made->changes[at] =
        (struct change){ .noun = "credential", .change = "created", .id = made->ids[at], .verifier = verifier };
    made->count++;
    return true;
}

static bool put_credentials(struct work *work, const struct made *made, struct err *err)
{
    return store_run(work->session,
        "INSERT INTO credential (tenant_id, id, device_id, kind, verifier) SELECT $1, u.id::uuid, u.device::uuid, "
        "'token', decode(u.verifier, 'hex') FROM unnest($2::text[], $3::text[], $4::text[]) AS u(id, device, verifier)",
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXTS(made->ids, made->count), PARAM_TEXTS(made->devices, made->count),
            PARAM_TEXTS(made->verifiers, made->count)),
        NULL, err);
}

static bool put_tokens(struct work *work, const char *job_id, const struct made *made, struct err *err)
{
    return store_run(work->session,
        "INSERT INTO import_token (tenant_id, job_id, index, device_id, wrapped) SELECT $1, $2::uuid, u.index, "
        "u.device::uuid, decode(u.wrapped, 'hex') FROM unnest($3::int8[], $4::text[], $5::text[]) AS u(index, device, "
        "wrapped)",
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(job_id), PARAM_INT8S(made->indexes, made->count),
            PARAM_TEXTS(made->devices, made->count), PARAM_TEXTS(made->wrapped, made->count)),
        NULL, err);
}

bool import_tokens_make(
    struct work *work, const char *job_id, const struct bulk_item *items, size_t count, struct err *err)
{
    struct made made;
    if (!made_init(&made, count, work->call->arena, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].outcome, "created") == 0 && !make_one(work, job_id, &items[i], &made, err))
            return false;
    return made.count == 0 || (put_credentials(work, &made, err) && put_tokens(work, job_id, &made, err) &&
                                  work_tell_all(work, made.changes, made.count, err));
}

/* ---- giving ---- */
/* Where the UUID of one of our jobs begins. */
static const char *job_of(const char *shown_id)
{
    static const char owner[] = "registry-";
    struct uuid uuid;
    const char *id = shown_id && strncmp(shown_id, owner, sizeof owner - 1) == 0 ? shown_id + sizeof owner - 1 : "";
    return uuid_parse(id, strlen(id), &uuid) ? id : NULL;
}

/* Only for whoever asked for the import: those who may see all jobs see no secrets of them. */
static bool check_job(struct work *work, const char *job_id, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!job_id)
        return err_set(err, ERR_NOT_FOUND, "there is no such import of yours");
    if (!store_query(work->session, &rows,
            "SELECT finished_at IS NOT NULL FROM job WHERE tenant_id = $1 AND id = $2::uuid AND actor = $3",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(job_id), PARAM_TEXT(work->call->caller->actor)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such import of yours");
    return store_result_bool(rows, 0, 0) || err_set(err, ERR_CONFLICT, "the import goes on: wait for its end");
}

static bool add_token(struct work *work, const char *job_id, const struct store_result *rows, size_t at,
    Nwims__V1__ImportTokens *reply, struct err *err)
{
    AUTO_INPLACE(buffer) token = { .ceiling_bytes = WRAPPED_CEILING };
    char context[CONTEXT_SIZE];
    unsigned char *wrapped;
    size_t size;
    struct arena *arena = work->call->arena;
    ProtobufCMessage *made = wire_new(arena, &nwims__v1__import_token__descriptor);
    put_context(context, job_id, store_result_int(rows, at, 0));
    if (!made || !store_result_bytes(rows, at, 3, arena, &wrapped, &size))
        return err_set(err, ERR_LIMIT, "no memory left for the tokens");
    if (!secret_unwrap(&token, work->registry->master_key, context, wrapped, size, err))
        return err_wrap(err, "a token of an import");
    Nwims__V1__ImportToken *row = (Nwims__V1__ImportToken *)made;
    row->code = store_result_copy(rows, at, 1, arena);
    row->device_id = store_result_copy(rows, at, 2, arena);
    row->token = arena_text_n(arena, token.data, token.size);
    explicit_bzero(token.data, token.size);
    reply->rows[reply->n_rows++] = row;
    return (row->code && row->device_id && row->token) || err_set(err, ERR_LIMIT, "no memory left for the tokens");
}

static bool take_page(struct work *work, const char *job_id, Nwims__V1__ImportTokens *reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "WITH taken AS (DELETE FROM import_token WHERE tenant_id = $1 AND job_id = $2::uuid AND index IN (SELECT "
            "index FROM import_token WHERE tenant_id = $1 AND job_id = $2::uuid ORDER BY index LIMIT $3::int8) "
            "RETURNING "
            "index, device_id, wrapped) SELECT t.index, d.code, t.device_id, t.wrapped FROM taken AS t JOIN device AS "
            "d "
            "ON d.tenant_id = $1 AND d.id = t.device_id ORDER BY t.index",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(job_id), PARAM_INT(PAGE)), err))
        return false;
    size_t count = store_result_rows(rows);
    reply->rows = arena_alloc_array(work->call->arena, count + 1, sizeof *reply->rows);
    if (!reply->rows)
        return err_set(err, ERR_LIMIT, "no memory left for the tokens");
    for (size_t i = 0; i < count; i++)
        if (!add_token(work, job_id, rows, i, reply, err))
            return false;
    reply->has_is_last = true;
    reply->is_last = count < PAGE;
    return true;
}

static bool record(struct work *work, const char *shown_id, size_t count, struct err *err)
{
    char detail[40];
    snprintf(detail, sizeof detail, "{\"tokens\":%zu}", count);
    const struct audit_event event = {
        .action = "devices.tokens_given", .entity = "batch", .entity_id = shown_id, .detail = detail
    };
    return audit_put(work->session, work->call->caller, &event, err);
}

bool import_tokens_take(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__TakeTokensRequest *request = input;
    Nwims__V1__ImportTokens *reply = output;
    AUTO_INPLACE(work) work = { .has_secret = true };
    const char *job_id = job_of(request->id);
    if (!work_begin(&work, context, call, "devices", "write", err) || !import_tokens_check(&work, err) ||
        !check_job(&work, job_id, err) || !take_page(&work, job_id, reply, err))
        return false;
    if (reply->n_rows == 0 && !request->goes_on)
        return err_set(err, ERR_NOT_FOUND, "the import made no tokens, or they were given already");
    return (reply->n_rows == 0 || record(&work, request->id, reply->n_rows, err)) && work_commit(&work, err);
}
