/* API keys: what programs send instead of a token. A key never does more than whoever made it, or rotated it last, may
 * do at the moment it is used. */
#include "api_key_store.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "identity.h"
#include "places.h"
#include "revocation_store.h"
#include "user_account.h"
#include <string.h>

enum { LONGEST_KEY_NAME = 100 };
#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define USUAL_LIFE_US (90 * DAY_US)
#define LONGEST_LIFE_US (731 * DAY_US)
static const int64_t usual_grace_s = 3600;

static struct identity_change change_of(const struct rpc_call *call, const char *id, const char *change)
{
    return (struct identity_change){
        .tenant_id = call->caller->tenant_id, .entity = "api-key", .id = id, .change = change
    };
}

bool api_key_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ListApiKeysRequest *request = input;
    AUTO(store_session) session = NULL;
    const char *after = request->cursor && *request->cursor ? request->cursor : NULL;
    if (!identity_allows(call, "api-keys:read", err))
        return false;
    if (after && !identity_is_uuid(after))
        return rpc_violation(call, err, "cursor", "must be the next_cursor of the page before");
    return identity_begin_own(context, call, &session, err) &&
           api_key_store_list(session, call->caller->tenant_id, after,
               identity_page_limit(request->has_limit, request->limit), call->arena, reply, err) &&
           store_commit(session, err);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */
static bool check_permissions(struct rpc_call *call, const Nwims__V1__ApiKey *key, struct err *err)
{
    if (key->n_permissions < 1)
        return rpc_violation(call, err, "permissions", "must be at least one");
    return identity_may_give(call, key->permissions, key->n_permissions, err);
}

static bool check_ids(struct rpc_call *call, const char *field, char *const *ids, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!identity_is_uuid(ids[i]))
            return rpc_violation(call, err, field, "\"%.40s\" is no id", ids[i]);
    return true;
}

static bool check_end(struct rpc_call *call, int64_t expires_at, struct err *err)
{
    int64_t now_us = clock_now_us();
    return (expires_at > now_us && expires_at - now_us <= LONGEST_LIFE_US) ||
           rpc_violation(call, err, "expires_at", "must be in the next two years");
}

static bool check_new(struct rpc_call *call, const Nwims__V1__ApiKey *key, struct err *err)
{
    if (!key->name || !*key->name || strnlen(key->name, LONGEST_KEY_NAME + 1) > LONGEST_KEY_NAME)
        return rpc_violation(call, err, "name", "must have 1 to %d bytes", LONGEST_KEY_NAME);
    if (key->n_region_ids + key->n_municipality_ids > MOST_SCOPE_ITEMS)
        return rpc_violation(call, err, "municipality_ids", "must be at most %d with the regions", MOST_SCOPE_ITEMS);
    return check_permissions(call, key, err) &&
           check_ids(call, "region_ids", key->region_ids, key->n_region_ids, err) &&
           check_ids(call, "municipality_ids", key->municipality_ids, key->n_municipality_ids, err) &&
           check_end(call, key->expires_at, err);
}

static bool check_places(
    const struct identity *identity, struct rpc_call *call, const Nwims__V1__ApiKey *key, struct err *err)
{
    const struct places places = { .region_field = "region_ids",
        .municipality_field = "municipality_ids",
        .region_ids = (const char *const *)key->region_ids,
        .region_count = key->n_region_ids,
        .municipality_ids = (const char *const *)key->municipality_ids,
        .municipality_count = key->n_municipality_ids };
    return places_check(identity, call, &places, err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */
static bool show(Nwims__V1__ApiKey *key, const struct api_key_secret *secret, struct arena *arena, struct err *err)
{
    key->key = arena_text(arena, secret->text);
    return key->key || identity_is_full(err);
}

bool api_key_create(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    Nwims__V1__ApiKey wanted = *(const Nwims__V1__ApiKey *)input, *made = output;
    AUTO(store_session) session = NULL;
    struct api_key_secret secret;
    if (!wanted.has_expires_at)
        wanted.expires_at = clock_now_us() + USUAL_LIFE_US;
    if (!identity_allows(call, "api-keys:write", err) || !identity_is_person(call, err) ||
        !check_new(call, &wanted, err) || !check_places(context, call, &wanted, err) ||
        !identity_write_own(context, call, &session, err))
        return false;
    api_key_secret_new(&secret);
    if (!api_key_store_create(
            session, call->caller->tenant_id, &wanted, &secret, call->caller->actor, call->arena, made, err) ||
        !show(made, &secret, call->arena, err))
        return false;
    struct identity_change change = change_of(call, made->id, "created");
    change.has_secret = true;
    return identity_finish(context, session, call, &change, err);
}

/* The gateways forget what they know of the key at once. */
static bool revoke(struct store_session *session, const struct rpc_call *call, const char *id, struct err *err)
{
    const struct revocation revocation = {
        .tenant_id = call->caller->tenant_id, .kind = "key", .subject = id, .lives_ms = 3600 * 1000
    };
    return revocation_put(session, call, &revocation, err);
}

bool api_key_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO(store_session) session = NULL;
    (void)reply;
    if (!identity_allows(call, "api-keys:delete", err))
        return false;
    if (!identity_is_uuid(request->id))
        return err_set(err, ERR_NOT_FOUND, "there is no such API key");
    const struct identity_change change = change_of(call, request->id, "deleted");
    return identity_write_own(context, call, &session, err) &&
           api_key_store_delete(session, call->caller->tenant_id, request->id, err) &&
           revoke(session, call, request->id, err) && identity_finish(context, session, call, &change, err);
}

bool api_key_rotate(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__RotateApiKeyRequest *request = input;
    Nwims__V1__ApiKey before = NWIMS__V1__API_KEY__INIT, *rotated = output;
    AUTO(store_session) session = NULL;
    struct api_key_secret secret;
    int64_t grace_s = request->has_grace_seconds ? request->grace_seconds : usual_grace_s;
    if (!identity_allows(call, "api-keys:write", err) || !identity_is_person(call, err))
        return false;
    if (!identity_is_uuid(request->id))
        return err_set(err, ERR_NOT_FOUND, "there is no such API key");
    if ((request->has_expires_at && !check_end(call, request->expires_at, err)) ||
        !identity_write_own(context, call, &session, err) ||
        !api_key_store_get(session, call->caller->tenant_id, request->id, call->arena, &before, err) ||
        !check_permissions(call, &before, err))
        return false;
    api_key_secret_new(&secret);
    struct identity_change change = change_of(call, request->id, "rotated");
    change.has_secret = true;
    return api_key_store_rotate(session, call->caller->tenant_id, request->id, &secret, call->caller->actor,
               grace_s * 1000, request->has_expires_at ? request->expires_at : 0, call->arena, rotated, err) &&
           show(rotated, &secret, call->arena, err) && revoke(session, call, request->id, err) &&
           identity_finish(context, session, call, &change, err);
}

/* ---- for the gateways -------------------------------------------------------------------------------------------- */
static bool is_over(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "the API key is wrong, over or revoked");
}

/* What the maker may not do any more, or only in parts of the tenant, the key may not either. */
static bool limit(
    struct store_session *session, const struct api_key_found *key, struct grants *out_grants, struct err *err)
{
    struct user_account maker;
    bool was_found;
    if (!user_account_read(session, key->created_by, &maker, &was_found, err))
        return false;
    bool is_at_home =
        was_found && (maker.tenant_id == key->tenant_id || permission_granted(maker.grants.permissions, "tenants:any"));
    if (!is_at_home || !maker.is_active)
        return is_over(err);
    return grants_intersect(out_grants, &key->grants, &maker.grants, err);
}

bool api_key_resolve(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__ResolveApiKeyRequest *request = input;
    Nwims__V1__ResolvedApiKey *reply = output;
    AUTO(store_session) session = NULL;
    struct api_key_found key;
    struct grants grants = { 0 };
    bool was_found;
    if (!request->has_hash || request->hash.len != SHA256_SIZE)
        return err_set(err, ERR_INPUT, "a hash has %d bytes", SHA256_SIZE);
    if (!store_session_open(&session, identity->store, err) ||
        !api_key_store_find(session, request->hash.data, request->hash.len, clock_now_us(), &key, &was_found, err))
        return false;
    if (!was_found || !key.is_active)
        return is_over(err);
    /* Gateways ask once a minute while a key is used. */
    if (!limit(session, &key, &grants, err) ||
        !store_run(
            session, "SELECT note_api_key_use(ARRAY[$1]::uuid[], ARRAY[now()])", PARAMS(PARAM_TEXT(key.id)), NULL, err))
        return false;
    reply->has_tenant_id = reply->has_tenant_epoch = reply->has_expires_at = true;
    reply->tenant_id = key.tenant_id;
    reply->tenant_epoch = key.tenant_epoch;
    reply->expires_at = key.ends_at;
    reply->id = arena_text(call->arena, key.id);
    reply->created_by = arena_text(call->arena, key.created_by);
    reply->permissions = arena_text(call->arena, grants.permissions);
    reply->grants = arena_text(call->arena, grants.scoped);
    return (reply->id && reply->created_by && reply->permissions && reply->grants) || identity_is_full(err);
}
