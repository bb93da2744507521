/* Passwords: changing one's own, and the way back for who has lost it. The secret of a reset is shown to the
 * administrator once and is good for one new password: nobody but the person ever knows a password. */
#include "account.h"
#include "base/clock.h"
#include "identity.h"
#include "lockout_store.h"
#include "mfa_store.h"
#include "password_rule.h"
#include "people.h"
#include "revocation_store.h"
#include "token_issue.h"
#include <inttypes.h>
#include <string.h>

#define RESET_PREFIX "nws_"

static bool check_new(struct rpc_call *call, const char *password, const struct user_account *account, struct err *err)
{
    const char *fault = password_rule_fault(password, account->email, account->name);
    return !fault || rpc_violation(call, err, "new_password", "%s", fault);
}

static bool store_hash(
    struct store_session *session, const struct user_account *account, const char *hash, struct err *err)
{
    return store_run(session,
        "UPDATE app_user SET password_hash = $3, reset_hash = NULL, reset_expires_at = NULL, updated_at = now() "
        "WHERE tenant_id = $1 AND id = $2",
        PARAMS(PARAM_INT(account->tenant_id), PARAM_TEXT(account->id), PARAM_TEXT(hash)), NULL, err);
}

static struct identity_change change_of(const struct user_account *account, const char *change)
{
    return (struct identity_change){
        .tenant_id = account->tenant_id, .entity = "password", .id = account->id, .change = change, .actor = account->id
    };
}

/* ---- one's own ----------------------------------------------------------------------------------------------------
 */
bool password_confirm(struct identity *identity, struct rpc_call *call, const char *password,
    struct user_account *out_account, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) row = NULL;
    struct lockout_subjects subjects = { 0 };
    bool was_found, matches;
    int64_t wait_ms;
    if (!identity_is_person(call, err) || !store_session_open(&session, identity->store, err) ||
        !user_account_read(session, call->caller->actor, out_account, &was_found, err))
        return false;
    if (!was_found || !out_account->is_active)
        return err_set(err, ERR_UNAUTHENTICATED, "there is no such user any more");
    lockout_subject_of_account(subjects.account, out_account->id, out_account->tenant_id);
    if (!store_begin(session, out_account->tenant_id, err) || !lockout_remaining(session, &subjects, &wait_ms, err))
        return false;
    if (wait_ms > 0)
        return err_set(err, ERR_LIMIT, "too many wrong passwords: try again in %" PRId64 " s", (wait_ms + 999) / 1000);
    if (!store_query(session, &row, "SELECT password_hash FROM app_user WHERE tenant_id = $1 AND id = $2",
            PARAMS(PARAM_INT(out_account->tenant_id), PARAM_TEXT(out_account->id)), err) ||
        !store_commit(session, err) ||
        !identity_check_password(identity, call->deadline_us, store_result_text(row, 0, 0), password, &matches, err) ||
        !store_begin(session, out_account->tenant_id, err))
        return false;
    if (matches)
        return lockout_succeeded(session, &subjects, err) && store_commit(session, err);
    const struct identity_change change = change_of(out_account, "refused");
    return lockout_failed(session, &subjects, err) &&
           identity_record(identity, session, call, &change, "refused", err) &&
           err_set(err, ERR_DENIED, "the password is wrong");
}

bool password_change(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__ChangePasswordRequest *request = input;
    AUTO(store_session) session = NULL;
    struct user_account before, account;
    char hash[PASSWORD_HASH_SIZE];
    bool was_found;
    if (!request->current_password || !*request->current_password ||
        strnlen(request->current_password, LONGEST_PASSWORD + 1) > LONGEST_PASSWORD)
        return rpc_violation(call, err, "current_password", "must have 1 to 256 bytes");
    if (!password_confirm(identity, call, request->current_password, &before, err) ||
        !check_new(call, request->new_password, &before, err) ||
        !identity_hash_password(identity, call->deadline_us, hash, request->new_password, err) ||
        !identity_begin(identity, before.tenant_id, &session, err) || !store_hash(session, &before, hash, err) ||
        !revocation_of_user(session, call, before.tenant_id, before.id, true, identity->config->access_token_ms, err) ||
        !user_account_read(session, before.id, &account, &was_found, err))
        return false;
    if (!was_found || !account.is_active)
        return err_set(err, ERR_UNAUTHENTICATED, "there is no such user any more");
    const struct refresh_family family = token_new_family(&account);
    const struct identity_change change = change_of(&account, "changed");
    return token_issue(identity, session, &family, &account, NULL, call->arena, reply, err) &&
           identity_record(identity, session, call, &change, NULL, err);
}

/* ---- the way back --------------------------------------------------------------------------------------------------
 */
static bool make_unusable(struct store_session *session, int32_t tenant_id, const char *id,
    const unsigned char hash[SHA256_SIZE], int64_t expires_at, struct err *err)
{
    /* No text hashes to "!". */
    return store_run(session,
        "UPDATE app_user SET password_hash = '!', reset_hash = $3, reset_expires_at = $4, updated_at = now() "
        "WHERE tenant_id = $1 AND id = $2",
        PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_BYTES(hash, SHA256_SIZE), PARAM_TIME(expires_at)), NULL,
        err);
}

bool password_reset(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__ResetPasswordRequest *request = input;
    Nwims__V1__ResetSecret *reply = output;
    AUTO(store_session) session = NULL;
    struct user_account account;
    unsigned char hash[SHA256_SIZE];
    char secret[AUTH_SECRET_TEXT_SIZE];
    bool reset_mfa = request->has_reset_mfa && request->reset_mfa;
    if (!identity_allows(call, "users:write", err) || !identity_write_own(identity, call, &session, err) ||
        !people_hold(session, call, request->id, &account, err))
        return false;
    const struct mfa_user user = { account.tenant_id, account.id, identity->master };
    auth_secret_new(secret, RESET_PREFIX);
    auth_sha256(hash, secret, strlen(secret));
    reply->has_expires_at = true;
    reply->expires_at = clock_now_us() + identity->config->reset_secret_ms * 1000;
    reply->reset_secret = arena_text(call->arena, secret);
    if (!reply->reset_secret)
        return identity_is_full(err);
    struct identity_change change = change_of(&account, "reset");
    change.actor = NULL;
    change.detail = reset_mfa ? "{\"second_factor\":true}" : NULL;
    return make_unusable(session, account.tenant_id, account.id, hash, reply->expires_at, err) &&
           (!reset_mfa || mfa_store_remove(session, &user, err)) &&
           revocation_of_user(
               session, call, account.tenant_id, account.id, true, identity->config->access_token_ms, err) &&
           identity_keep(session, call, true, err) && identity_record(identity, session, call, &change, NULL, err);
}

static bool find_reset(struct identity *identity, const unsigned char hash[SHA256_SIZE],
    struct user_account *out_account, bool *out_found, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) row = NULL;
    *out_found = false;
    if (!store_session_open(&session, identity->store, err) ||
        !store_query(session, &row, "SELECT user_id FROM find_reset($1)", PARAMS(PARAM_BYTES(hash, SHA256_SIZE)), err))
        return false;
    return store_result_rows(row) != 1 ||
           user_account_read(session, store_result_text(row, 0, 0), out_account, out_found, err);
}

/* Of two who bring the same secret one finds it used. */
static bool use_up(struct store_session *session, const struct user_account *account,
    const unsigned char hash[SHA256_SIZE], int64_t *out_used, struct err *err)
{
    return store_run(session,
        "UPDATE app_user SET reset_hash = NULL WHERE tenant_id = $1 AND id = $2 AND reset_hash = $3 AND "
        "reset_expires_at > now() AND state = 'active'",
        PARAMS(PARAM_INT(account->tenant_id), PARAM_TEXT(account->id), PARAM_BYTES(hash, SHA256_SIZE)), out_used, err);
}

bool password_use_reset_secret(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__UseResetSecretRequest *request = input;
    AUTO(store_session) session = NULL;
    struct user_account account;
    unsigned char hash[SHA256_SIZE];
    char password[PASSWORD_HASH_SIZE];
    bool was_found = false;
    int64_t used = 0;
    size_t length = request->reset_secret ? strnlen(request->reset_secret, 257) : 0;
    (void)reply;
    if (length < 20 || length > 256)
        return rpc_violation(call, err, "reset_secret", "must have 20 to 256 characters");
    auth_sha256(hash, request->reset_secret, length);
    if (!find_reset(identity, hash, &account, &was_found, err))
        return false;
    if (was_found && (!check_new(call, request->new_password, &account, err) ||
                         !identity_hash_password(identity, call->deadline_us, password, request->new_password, err) ||
                         !identity_begin(identity, account.tenant_id, &session, err) ||
                         !use_up(session, &account, hash, &used, err)))
        return false;
    if (used != 1)
        return err_set(err, ERR_UNAUTHENTICATED, "the secret is wrong, was used or is over: ask for another one");
    const struct identity_change change = change_of(&account, "changed");
    return store_hash(session, &account, password, err) && identity_record(identity, session, call, &change, NULL, err);
}
