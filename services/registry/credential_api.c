#include "auth/auth.h"
#include "base/clock.h"
#include "credential_store.h"
#include "field.h"
#include "registry.h"
#include <string.h>

/* So that a new one can be brought to the device before the old one ends. */
enum { MOST_LIVE = 2 };

static bool lock_device(struct work *work, const char *id_or_code, struct err *err)
{
    return entity_store_lock(work, &device_entity, id_or_code, err);
}

bool credential_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO_INPLACE(work) work = { 0 };
    return work_begin(&work, context, call, "devices", "read", err) && lock_device(&work, request->id, err) &&
           credential_store_list(&work, work.key.id, reply, err);
}

static bool check(struct rpc_call *call, const Nwims__V1__CreateCredentialRequest *request, struct err *err)
{
    field_choice(call, err, "kind", request->kind, "token", false);
    if (request->has_expires_at && request->expires_at <= clock_now_us())
        rpc_violation(call, err, "expires_at", "must be in the future");
    return err->kind == ERR_NONE;
}

static bool check_count(struct work *work, struct err *err)
{
    int64_t count;
    if (!credential_store_count(work, work->key.id, &count, err))
        return false;
    return count < MOST_LIVE ||
           err_set(err, ERR_CONFLICT, "the device %s has %d live credentials already: delete one first", work->key.code,
               (int)MOST_LIVE);
}

static bool announce_created(struct work *work, const char *id, const unsigned char *verifier, struct err *err)
{
    const struct change change = { .noun = "credential", .change = "created", .id = id, .verifier = verifier };
    return work_announce(work, &change, err);
}

bool credential_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__CreateCredentialRequest *request = input;
    Nwims__V1__Credential *made = reply;
    AUTO_INPLACE(work) work = { .has_secret = true };
    char secret[AUTH_SECRET_TEXT_SIZE];
    unsigned char verifier[SHA256_SIZE];
    auth_secret_new(secret, "nwd_");
    auth_sha256(verifier, secret, strlen(secret));
    bool ok = check(call, request, err) && work_begin(&work, context, call, "devices", "write", err) &&
              lock_device(&work, request->id, err) && check_count(&work, err) &&
              credential_store_create(&work, work.key.id, request, verifier, made, err) &&
              announce_created(&work, made->id, verifier, err) && work_commit(&work, err);
    made->secret = ok ? arena_text(call->arena, secret) : NULL;
    explicit_bzero(secret, sizeof secret);
    return ok && (made->secret || err_set(err, ERR_LIMIT, "no memory left for the answer"));
}

bool credential_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__CredentialRef *request = input;
    AUTO_INPLACE(work) work = { 0 };
    size_t count = 0;
    (void)reply;
    field_reference(call, err, "credential_id", request->credential_id, true);
    if (err->kind != ERR_NONE || !work_begin(&work, context, call, "devices", "write", err) ||
        !lock_device(&work, request->id, err) ||
        !credential_store_delete(&work, work.key.id, request->credential_id, &count, err))
        return false;
    if (count == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such credential");
    return work_commit(&work, err);
}
