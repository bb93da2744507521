/* Logging in: the method that whoever guesses calls. */
#include "account.h"
#include "identity.h"
#include "lockout_store.h"
#include "mfa_store.h"
#include "password_rule.h"
#include "token_issue.h"
#include <inttypes.h>
#include <string.h>

/* One attempt, while it is decided on. */
struct attempt {
    struct identity *identity;
    struct rpc_call *call;
    const Nwims__V1__LoginRequest *request;
    struct lockout_subjects subjects;
    struct login_candidate candidate;
    bool was_found;
    const struct refusal *refusal; /* why not; NULL while nothing speaks against it */
};

/* What the record says, and what the caller is told: never which of both was wrong, nor that there is such a user. */
static const char wrong[] = "the e-mail address or the password is wrong";
static const struct refusal {
    const char *why, *text;
} unknown_address = { "{\"reason\":\"unknown address\"}", wrong },
  wrong_password = { "{\"reason\":\"wrong password\"}", wrong },
  not_active = { "{\"reason\":\"disabled or suspended\"}", wrong },
  wrong_code = { "{\"reason\":\"second factor\"}", "the code of the second factor is wrong or was used already" };

static bool check_request(struct rpc_call *call, const Nwims__V1__LoginRequest *request, struct err *err)
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
static bool look_up(struct attempt *attempt, struct err *err)
{
    AUTO(store_session) session = NULL;
    int64_t wait_ms;
    const Nwims__V1__LoginRequest *request = attempt->request;
    if (!identity_begin(attempt->identity, 0, &session, err) ||
        !lockout_remaining(session, &attempt->subjects, &wait_ms, err))
        return false;
    if (wait_ms > 0) {
        token_count("locked");
        return err_set(err, ERR_LIMIT, "too many failed logins: try again in %" PRId64 " s", (wait_ms + 999) / 1000);
    }
    return session_find_login(session, request->email, request->has_tenant_id ? request->tenant_id : 0,
               &attempt->candidate, &attempt->was_found, err) &&
           store_commit(session, err);
}

static bool refuse(struct attempt *attempt, struct err *err)
{
    AUTO(store_session) session = NULL;
    const struct identity_change change = { .tenant_id = attempt->candidate.tenant_id,
        .entity = "login",
        .change = "refused",
        .actor = attempt->candidate.user_id,
        .detail = attempt->refusal->why };
    token_count("refused");
    log_info(&attempt->call->scope, "login.refused", LOG_TEXT("peer", attempt->call->caller->peer));
    if (!identity_begin(attempt->identity, 0, &session, err) || !lockout_failed(session, &attempt->subjects, err) ||
        !identity_record(attempt->identity, session, attempt->call, &change, "refused", err))
        return false;
    return err_set(err, ERR_UNAUTHENTICATED, "%s", attempt->refusal->text);
}

/* ---- the second factor ------------------------------------------------------------------------------------------- */
static bool fail_typed(struct attempt *attempt, const char *type, const char *text, struct err *err)
{
    attempt->call->failure->type = arena_text(attempt->call->arena, type);
    return err_set(err, ERR_UNAUTHENTICATED, "%s", text);
}

/* Within the transaction that lets the person in. out_is_good is false only for a code that is not. */
static bool check_code(struct attempt *attempt, struct store_session *session, bool *out_is_good, struct err *err)
{
    const struct mfa_user user = { attempt->candidate.tenant_id, attempt->candidate.user_id,
        attempt->identity->master };
    const char *otp = attempt->request->otp;
    *out_is_good = true;
    if (!otp || !*otp) {
        token_count("mfa_required");
        return fail_typed(
            attempt, "mfa-required", "the password is right; send the code of the second factor as otp", err);
    }
    return mfa_store_use_code(session, &user, otp, true, out_is_good, err);
}

static bool let_in(struct attempt *attempt, struct store_session *session, const struct user_account *account,
    Nwims__V1__TokenReply *reply, struct err *err)
{
    const struct refresh_family family = token_new_family(account);
    const struct identity_change change = {
        .tenant_id = account->tenant_id, .entity = "login", .change = "accepted", .actor = account->id
    };
    if (!token_issue(attempt->identity, session, &family, account, NULL, attempt->call->arena, reply, err) ||
        !session_note_login(session, account->tenant_id, account->id, err) ||
        !lockout_succeeded(session, &attempt->subjects, err) ||
        !identity_record(attempt->identity, session, attempt->call, &change, NULL, err))
        return false;
    token_count("login");
    log_info(&attempt->call->scope, "login.accepted", LOG_TEXT("user_id", account->id),
        LOG_TEXT("peer", attempt->call->caller->peer));
    return true;
}

/* False with an empty err: attempt->refusal says why, to be counted once the session is given back. */
static bool finish(struct attempt *attempt, Nwims__V1__TokenReply *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct user_account account;
    bool was_found, is_good = true;
    if (!identity_begin(attempt->identity, attempt->candidate.tenant_id, &session, err) ||
        !user_account_read(session, attempt->candidate.user_id, &account, &was_found, err))
        return false;
    if (!was_found || !account.is_active) /* since a moment ago */
        attempt->refusal = &not_active;
    else if (account.mfa_enabled && !check_code(attempt, session, &is_good, err))
        return false;
    else if (!is_good)
        attempt->refusal = &wrong_code;
    return !attempt->refusal && let_in(attempt, session, &account, reply, err);
}

bool login_login(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct attempt attempt = { .identity = context, .call = call, .request = input };
    bool matches = false;
    if (!check_request(call, attempt.request, err))
        return false;
    lockout_subject_of_account(attempt.subjects.account, attempt.request->email,
        attempt.request->has_tenant_id ? attempt.request->tenant_id : 0);
    if (*call->caller->peer)
        lockout_subject_of_address(attempt.subjects.address, call->caller->peer);
    if (!look_up(&attempt, err))
        return false;
    /* After a reset there is none, which takes as long to find out as a wrong one. */
    bool has_password = attempt.was_found && attempt.candidate.password_hash[0] != '!';
    if (!identity_check_password(attempt.identity, call->deadline_us,
            has_password ? attempt.candidate.password_hash : NULL, attempt.request->password, &matches, err))
        return false;
    if (!attempt.was_found)
        attempt.refusal = &unknown_address;
    else if (!matches)
        attempt.refusal = &wrong_password;
    else if (!attempt.candidate.is_active)
        attempt.refusal = &not_active;
    else if (finish(&attempt, reply, err))
        return true;
    return err->kind != ERR_NONE ? false : refuse(&attempt, err);
}
