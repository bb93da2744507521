/* Logging in and out: the methods that anybody may call. */
#include "account.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "identity.h"
#include "lockout_store.h"
#include "metrics/metrics.h"
#include "session_store.h"
#include <inttypes.h>
#include <string.h>

#define REFRESH_PREFIX "nwr_"
static const int64_t ms_us = 1000;

static void count(const char *labels)
{
    metric_add(metrics_counter("nwims_identity_sessions_total", labels, "Logins and refreshes, by outcome."), 1);
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */
/* A role in the database that this version does not know is our fault, not the caller's. */
static bool join_permissions(
    char permissions[CLAIM_PERMISSIONS_SIZE], char *const *roles, size_t count, struct err *err)
{
    permissions[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!*role_permissions(roles[i]))
            return err_set(err, ERR_BUG, "the role %.40s is unknown here", roles[i]);
        if (!permission_join(permissions, role_permissions(roles[i]), err))
            return false;
    }
    return true;
}

static bool make_claims(const struct identity *identity, const struct refresh_family *family, const char *roles,
    struct access_claims *out_claims, struct arena *arena, struct err *err)
{
    struct uuid id = uuid_new();
    char **names;
    size_t name_count;
    *out_claims = (struct access_claims){ .tenant_id = family->tenant_id, .issued_at = clock_now_us() };
    out_claims->expires_at = out_claims->issued_at + identity->config->access_token_ms * ms_us;
    uuid_format(out_claims->token_id, &id);
    memcpy(out_claims->subject, family->user_id, sizeof family->user_id);
    memcpy(out_claims->roles, roles, strlen(roles) + 1);
    if (!identity_split(arena, roles, &names, &name_count))
        return err_set(err, ERR_LIMIT, "no memory left for the roles");
    return join_permissions(out_claims->permissions, names, name_count, err);
}

/* Stores a new refresh token of the family, within the session's transaction, and writes both tokens into the reply. */
static bool issue(struct identity *identity, struct store_session *session, const struct refresh_family *family,
    const char *roles, struct rpc_call *call, Nwims__V1__TokenReply *reply, struct err *err)
{
    struct access_claims claims;
    unsigned char hash[SHA256_SIZE];
    char refresh_token[AUTH_SECRET_TEXT_SIZE];
    AUTO_INPLACE(buffer) token = { .ceiling_bytes = ACCESS_TOKEN_LONGEST + 1 };
    auth_secret_new(refresh_token, REFRESH_PREFIX);
    auth_sha256(hash, refresh_token, strlen(refresh_token));
    if (!make_claims(identity, family, roles, &claims, call->arena, err) ||
        !key_store_sign(identity->keys, &token, &claims, err) ||
        !session_put_token(session, hash, family, identity->config->refresh_token_ms, err))
        return false;
    reply->access_token = arena_text(call->arena, token.data);
    reply->refresh_token = arena_text(call->arena, refresh_token);
    reply->token_type = arena_text(call->arena, "Bearer");
    reply->has_expires_in = true;
    reply->expires_in = identity->config->access_token_ms / 1000;
    return (reply->access_token && reply->refresh_token && reply->token_type) ||
           err_set(err, ERR_LIMIT, "no memory left for the tokens");
}

/* ---- login ------------------------------------------------------------------------------------------------------- */
static bool check_login(struct rpc_call *call, const Nwims__V1__LoginRequest *request, struct err *err)
{
    if (!request->email || strnlen(request->email, LONGEST_EMAIL + 1) > LONGEST_EMAIL || !*request->email)
        rpc_violation(call, err, "email", "must have 3 to 254 characters");
    if (!request->password || !*request->password ||
        strnlen(request->password, LONGEST_PASSWORD + 1) > LONGEST_PASSWORD)
        rpc_violation(call, err, "password", "must have 1 to 256 bytes");
    if (request->has_tenant_id && request->tenant_id < 1)
        rpc_violation(call, err, "tenant_id", "must be 1 or more");
    return err->kind == ERR_NONE;
}

/* Looks whether somebody may try at all, and whom they name; the session is given back before the slow part. */
static bool look_up(struct identity *identity, const Nwims__V1__LoginRequest *request,
    const struct lockout_subjects *subjects, struct login_candidate *out_candidate, bool *out_found, struct err *err)
{
    AUTO(store_session) session = NULL;
    int64_t wait_ms;
    int32_t tenant_id = request->has_tenant_id ? request->tenant_id : 0;
    if (!store_session_open(&session, identity->store, err) || !store_begin(session, 0, err) ||
        !lockout_remaining(session, subjects, &wait_ms, err))
        return false;
    if (wait_ms > 0) {
        count("outcome=\"locked\"");
        return err_set(err, ERR_LIMIT, "too many failed logins: try again in %" PRId64 " s", (wait_ms + 999) / 1000);
    }
    return session_find_login(session, request->email, tenant_id, out_candidate, out_found, err) &&
           store_commit(session, err);
}

static bool check_password(struct identity *identity, int64_t deadline_us, const char *hash, const char *password,
    bool *out_matches, struct err *err)
{
    if (!password_gate_enter(identity->gate, deadline_us, err))
        return false;
    *out_matches = password_matches(hash, password);
    password_gate_leave(identity->gate);
    return true;
}

/* The same words whether the user, the password or the permission to log in was missing. */
static bool refuse_login(
    struct identity *identity, struct rpc_call *call, const struct lockout_subjects *subjects, struct err *err)
{
    AUTO(store_session) session = NULL;
    count("outcome=\"refused\"");
    log_info(&call->scope, "login.refused", LOG_TEXT("peer", call->caller->peer));
    if (!store_session_open(&session, identity->store, err) || !store_begin(session, 0, err) ||
        !lockout_failed(session, subjects, err) || !store_commit(session, err))
        return false;
    return err_set(err, ERR_UNAUTHENTICATED, "the e-mail address or the password is wrong");
}

static bool accept_login(struct identity *identity, struct rpc_call *call, const struct lockout_subjects *subjects,
    const struct login_candidate *candidate, Nwims__V1__TokenReply *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct uuid id = uuid_new();
    struct refresh_family family = { .tenant_id = candidate->tenant_id };
    uuid_format(family.id, &id);
    memcpy(family.user_id, candidate->user_id, sizeof family.user_id);
    if (!store_session_open(&session, identity->store, err) || !store_begin(session, candidate->tenant_id, err) ||
        !issue(identity, session, &family, candidate->roles, call, reply, err) ||
        !lockout_succeeded(session, subjects, err) || !store_commit(session, err))
        return false;
    count("outcome=\"login\"");
    log_info(
        &call->scope, "login.accepted", LOG_TEXT("user_id", candidate->user_id), LOG_TEXT("peer", call->caller->peer));
    return true;
}

bool session_login(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__LoginRequest *request = input;
    struct lockout_subjects subjects = { 0 };
    struct login_candidate candidate;
    bool was_found = false, matches = false;
    if (!check_login(call, request, err))
        return false;
    lockout_subject_of_account(subjects.account, request->email, request->has_tenant_id ? request->tenant_id : 0);
    if (*call->caller->peer)
        lockout_subject_of_address(subjects.address, call->caller->peer);
    if (!look_up(identity, request, &subjects, &candidate, &was_found, err) ||
        !check_password(
            identity, call->deadline_us, was_found ? candidate.password_hash : NULL, request->password, &matches, err))
        return false;
    if (!was_found || !matches || !candidate.is_active)
        return refuse_login(identity, call, &subjects, err);
    return accept_login(identity, call, &subjects, &candidate, reply, err);
}

/* ---- refresh and logout ------------------------------------------------------------------------------------------ */
static bool refuse_refresh(struct err *err)
{
    count("outcome=\"refresh_refused\"");
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

static bool end_copied_family(
    struct store_session *session, struct rpc_call *call, const struct refresh_family *family, struct err *err)
{
    log_warn(
        &call->scope, "refresh.reused", LOG_TEXT("user_id", family->user_id), LOG_TEXT("peer", call->caller->peer));
    count("outcome=\"refresh_reused\"");
    return session_end_family(session, family, err) && store_commit(session, err) && refuse_refresh(err);
}

static bool refresh_held(struct identity *identity, struct store_session *session, struct rpc_call *call,
    const unsigned char hash[SHA256_SIZE], const struct refresh_family *family, Nwims__V1__TokenReply *reply,
    struct err *err)
{
    enum refresh_outcome outcome;
    char roles[256];
    bool is_active;
    if (!session_use_token(session, hash, &outcome, err))
        return false;
    if (outcome == REFRESH_REUSED)
        return end_copied_family(session, call, family, err);
    if (outcome == REFRESH_OVER)
        return refuse_refresh(err);
    if (!session_read_roles(session, family, roles, &is_active, err))
        return false;
    if (!is_active)
        return session_end_family(session, family, err) && store_commit(session, err) && refuse_refresh(err);
    if (!issue(identity, session, family, roles, call, reply, err) || !store_commit(session, err))
        return false;
    count("outcome=\"refresh\"");
    return true;
}

static bool hash_token(
    struct rpc_call *call, const Nwims__V1__RefreshRequest *request, unsigned char hash[SHA256_SIZE], struct err *err)
{
    size_t length = request->refresh_token ? strnlen(request->refresh_token, 257) : 0;
    if (length < 20 || length > 256)
        return rpc_violation(call, err, "refresh_token", "must have 20 to 256 characters");
    auth_sha256(hash, request->refresh_token, length);
    return true;
}

bool session_refresh(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    AUTO(store_session) session = NULL;
    unsigned char hash[SHA256_SIZE];
    struct refresh_family family;
    bool was_found = false;
    if (!hash_token(call, input, hash, err) || !store_session_open(&session, identity->store, err) ||
        !hold_family(session, hash, &family, &was_found, err))
        return false;
    return was_found ? refresh_held(identity, session, call, hash, &family, reply, err) : refuse_refresh(err);
}

/* A token that is unknown is over already: what was asked for is so. */
bool session_logout(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    AUTO(store_session) session = NULL;
    unsigned char hash[SHA256_SIZE];
    struct refresh_family family;
    bool was_found = false;
    (void)reply;
    if (!hash_token(call, input, hash, err) || !store_session_open(&session, identity->store, err) ||
        !hold_family(session, hash, &family, &was_found, err))
        return false;
    return !was_found || (session_end_family(session, &family, err) && store_commit(session, err));
}

/* ---- what goes with a session ------------------------------------------------------------------------------------ */
static bool fill_me(Nwims__V1__Me *me, const struct store_result *row, struct arena *arena, struct err *err)
{
    char permissions[CLAIM_PERMISSIONS_SIZE];
    me->id = store_result_copy(row, 0, 0, arena);
    me->has_tenant_id = true;
    me->tenant_id = (int32_t)store_result_int(row, 0, 1);
    me->email = store_result_copy(row, 0, 2, arena);
    me->name = store_result_copy(row, 0, 3, arena);
    if (!me->id || !me->email || !identity_split(arena, store_result_text(row, 0, 4), &me->roles, &me->n_roles))
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    if (!join_permissions(permissions, me->roles, me->n_roles, err))
        return false;
    return identity_split(arena, permissions, &me->permissions, &me->n_permissions) ||
           err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool session_get_me(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    AUTO(store_session) session = NULL;
    AUTO(store_result) row = NULL;
    struct uuid id;
    (void)input;
    if (!*call->caller->actor)
        return err_set(err, ERR_UNAUTHENTICATED, "log in first");
    if (!uuid_parse(call->caller->actor, strlen(call->caller->actor), &id))
        return err_set(err, ERR_NOT_FOUND, "the caller is not a person");
    if (!store_session_open(&session, identity->store, err) ||
        !store_query(session, &row, "SELECT id, tenant_id, email, name, roles FROM find_self($1)",
            PARAMS(PARAM_TEXT(call->caller->actor)), err))
        return false;
    if (store_result_rows(row) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such user any more");
    return fill_me(reply, row, call->arena, err);
}

bool session_get_jwks(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    (void)input;
    return key_store_list(identity->keys, call->arena, reply, err);
}
