/* What goes on after a login: refreshing, logging out, who one is. */
#include "identity.h"
#include "revocation_store.h"
#include "token_issue.h"
#include <string.h>

static bool refuse(struct err *err)
{
    token_count("refresh_refused");
    return err_set(err, ERR_UNAUTHENTICATED, "the refresh token is not good any more: log in again");
}

/* Begins a transaction in the family's tenant that holds the family; not found is a refusal. */
static bool hold_family(struct store_session *session, const unsigned char hash[SHA256_SIZE],
    struct refresh_family *out_family, bool *out_found, struct err *err)
{
    if (!store_begin(session, 0, err) || !session_find_family(session, hash, out_family, out_found, err) ||
        !store_commit(session, err))
        return false;
    return !*out_found ||
           (store_begin(session, out_family->tenant_id, err) && session_lock_family(session, out_family, err));
}

/* The family's refresh tokens go, and its access tokens are dead in a moment. */
static bool end_family(struct identity *identity, struct store_session *session, struct rpc_call *call,
    const struct refresh_family *family, const char *change, const char *outcome, struct err *err)
{
    const struct revocation revocation = { .tenant_id = family->tenant_id,
        .kind = "session",
        .subject = family->id,
        .lives_ms = identity->config->access_token_ms };
    const struct identity_change record = { .tenant_id = family->tenant_id,
        .entity = "session",
        .id = family->id,
        .change = change,
        .actor = family->user_id };
    return session_end_family(session, family, err) && revocation_put(session, call, &revocation, err) &&
           identity_record(identity, session, call, &record, outcome, err);
}

/* ---- refresh ----------------------------------------------------------------------------------------------------- */
static bool end_copied_family(struct identity *identity, struct store_session *session, struct rpc_call *call,
    const struct refresh_family *family, struct err *err)
{
    log_warn(
        &call->scope, "refresh.reused", LOG_TEXT("user_id", family->user_id), LOG_TEXT("peer", call->caller->peer));
    token_count("refresh_reused");
    return end_family(identity, session, call, family, "copied", "refused", err) && refuse(err);
}

static bool refresh_held(struct identity *identity, struct store_session *session, struct rpc_call *call,
    const unsigned char hash[SHA256_SIZE], const struct refresh_family *family, Nwims__V1__TokenReply *reply,
    struct err *err)
{
    enum refresh_outcome outcome;
    struct user_account account;
    bool was_found;
    if (!session_use_token(session, family->tenant_id, hash, identity->config->refresh_retry_ms, &outcome, err))
        return false;
    if (outcome == REFRESH_REUSED)
        return end_copied_family(identity, session, call, family, err);
    if (outcome == REFRESH_OVER)
        return refuse(err);
    if (!user_account_read(session, family->user_id, &account, &was_found, err))
        return false;
    if (!was_found || !account.is_active)
        return end_family(identity, session, call, family, "ended", "refused", err) && refuse(err);
    if (!token_issue(identity, session, family, &account, hash, call->arena, reply, err) || !store_commit(session, err))
        return false;
    token_count("refresh");
    return true;
}

static bool hash_token(
    struct rpc_call *call, const char *refresh_token, unsigned char hash[SHA256_SIZE], struct err *err)
{
    size_t length = refresh_token ? strnlen(refresh_token, 257) : 0;
    if (length < 20 || length > 256)
        return rpc_violation(call, err, "refresh_token", "must have 20 to 256 characters");
    auth_sha256(hash, refresh_token, length);
    return true;
}

bool session_refresh(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__RefreshRequest *request = input;
    AUTO(store_session) session = NULL;
    unsigned char hash[SHA256_SIZE];
    struct refresh_family family;
    bool was_found = false;
    if (!hash_token(call, request->refresh_token, hash, err) || !store_session_open(&session, identity->store, err) ||
        !hold_family(session, hash, &family, &was_found, err))
        return false;
    return was_found ? refresh_held(identity, session, call, hash, &family, reply, err) : refuse(err);
}

/* ---- logout ------------------------------------------------------------------------------------------------------ */
static bool end_all(struct identity *identity, struct store_session *session, struct rpc_call *call,
    const struct refresh_family *family, struct err *err)
{
    const struct identity_change record = { .tenant_id = family->tenant_id,
        .entity = "session",
        .id = family->id,
        .change = "ended",
        .actor = family->user_id,
        .detail = "{\"all\":true}" };
    return revocation_of_user(
               session, call, family->tenant_id, family->user_id, true, identity->config->access_token_ms, err) &&
           identity_record(identity, session, call, &record, NULL, err);
}

/* A token that is unknown is over already: what was asked for is so. */
bool session_logout(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__LogoutRequest *request = input;
    AUTO(store_session) session = NULL;
    unsigned char hash[SHA256_SIZE];
    struct refresh_family family;
    bool was_found = false;
    (void)reply;
    if (!hash_token(call, request->refresh_token, hash, err) || !store_session_open(&session, identity->store, err) ||
        !hold_family(session, hash, &family, &was_found, err))
        return false;
    if (!was_found)
        return true;
    return request->has_all && request->all ? end_all(identity, session, call, &family, err)
                                            : end_family(identity, session, call, &family, "ended", NULL, err);
}

/* ---- who one is -------------------------------------------------------------------------------------------------- */
/* The items of a scope of one kind, without the kind. */
static bool pick(struct arena *arena, const char *scope, char kind, char ***out_items, size_t *out_count)
{
    char **all;
    size_t count = 0, kept = 0;
    if (!identity_split(arena, scope, &all, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (all[i][0] == kind && all[i][1] == ':')
            all[kept++] = all[i] + 2;
    *out_items = all;
    *out_count = kept;
    return true;
}

static bool fill_grants(Nwims__V1__Me *me, const char *scoped, struct arena *arena)
{
    char scope[GRANT_SCOPE_SIZE], permissions[CLAIM_PERMISSIONS_SIZE];
    me->grants = arena_alloc_array(arena, MOST_SCOPED_GRANTS, sizeof(void *));
    while (me->grants && me->n_grants < MOST_SCOPED_GRANTS && grants_next(&scoped, scope, permissions)) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__scoped_grant__descriptor);
        Nwims__V1__ScopedGrant *grant = (Nwims__V1__ScopedGrant *)made;
        if (!grant || !pick(arena, scope, 'r', &grant->region_ids, &grant->n_region_ids) ||
            !pick(arena, scope, 'm', &grant->municipality_ids, &grant->n_municipality_ids) ||
            !identity_split(arena, permissions, &grant->permissions, &grant->n_permissions))
            return false;
        me->grants[me->n_grants++] = grant;
    }
    return me->grants != NULL;
}

static bool fill_me(Nwims__V1__Me *me, const struct user_account *account, struct arena *arena, struct err *err)
{
    me->id = arena_text(arena, account->id);
    me->has_tenant_id = me->has_mfa_enabled = true;
    me->tenant_id = account->tenant_id;
    me->mfa_enabled = account->mfa_enabled;
    me->email = arena_text(arena, account->email);
    me->name = *account->name ? arena_text(arena, account->name) : NULL;
    return (me->id && me->email && identity_split(arena, account->roles, &me->roles, &me->n_roles) &&
               identity_split(arena, account->grants.permissions, &me->permissions, &me->n_permissions) &&
               fill_grants(me, account->grants.scoped, arena)) ||
           identity_is_full(err);
}

bool session_get_me(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    AUTO(store_session) session = NULL;
    struct user_account account;
    bool was_found;
    (void)input;
    if (!*call->caller->actor)
        return err_set(err, ERR_UNAUTHENTICATED, "log in first");
    if (!identity_is_uuid(call->caller->actor))
        return err_set(err, ERR_NOT_FOUND, "the caller is not a person");
    if (!store_session_open(&session, identity->store, err) ||
        !user_account_read(session, call->caller->actor, &account, &was_found, err))
        return false;
    if (!was_found || !account.is_active)
        return err_set(err, ERR_NOT_FOUND, "there is no such user any more");
    return fill_me(reply, &account, call->arena, err);
}
