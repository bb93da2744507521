#include "credential_store.h"
#include "field.h"
#include "registry.h"
#include <stdio.h>

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

static bool check_count(struct work *work, const char *kind, struct err *err)
{
    int64_t count;
    if (!credential_store_count(work, work->key.id, kind, &count, err))
        return false;
    return count < MOST_LIVE ||
           err_set(err, ERR_CONFLICT, "the device %s has %d live credentials of the kind %s already: delete one first",
               work->key.code, (int)MOST_LIVE, kind);
}

static bool announce_created(struct work *work, const char *id, const struct credential *credential, struct err *err)
{
    char detail[128];
    snprintf(detail, sizeof detail, "{\"kind\":\"%s\",\"device_id\":\"%s\"}", credential->kind, work->key.id);
    const struct change change = {
        .noun = "credential", .change = "created", .id = id, .verifier = credential->verifier, .detail = detail
    };
    return work_announce(work, &change, err);
}

bool credential_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__CreateCredentialRequest *request = input;
    Nwims__V1__Credential *made = reply;
    AUTO_INPLACE(work) work = { .has_secret = true };
    AUTO_INPLACE(credential) credential = { 0 };
    return credential_prepare(call, request, &credential, err) &&
           work_begin(&work, context, call, "devices", "write", err) && lock_device(&work, request->id, err) &&
           check_count(&work, credential.kind, err) &&
           credential_store_create(&work, work.key.id, &credential, request, made, err) &&
           announce_created(&work, made->id, &credential, err) && work_commit(&work, err) &&
           credential_show(&credential, call->arena, made, err);
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
