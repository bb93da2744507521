/* The second factor of who calls: on, off. */
#include "identity.h"
#include "lockout_store.h"
#include "mfa_store.h"
#include "people.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct identity_change change_of(const struct user_account *account, const char *change)
{
    return (struct identity_change){
        .tenant_id = account->tenant_id, .entity = "mfa", .id = account->id, .change = change, .actor = account->id
    };
}

/* The form that authenticators read; the label is percent-encoded as far as needed. */
static char *make_uri(struct arena *arena, const char *secret, const char *email)
{
    char label[3 * 256] = "";
    size_t length = 0;
    for (const char *c = email; *c && length + 4 < sizeof label; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                        (*c && strchr("-._~@", *c));
        length +=
            (size_t)snprintf(label + length, sizeof label - length, is_plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    return arena_printf(
        arena, "otpauth://totp/NWIMS:%s?secret=%s&issuer=NWIMS&algorithm=SHA1&digits=6&period=30", label, secret);
}

static bool fill(Nwims__V1__MfaEnrollment *reply, const unsigned char secret[TOTP_SECRET_SIZE], const char *email,
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], struct arena *arena, struct err *err)
{
    char text[TOTP_SECRET_TEXT_SIZE];
    totp_secret_text(text, secret);
    reply->secret = arena_text(arena, text);
    reply->otpauth_uri = make_uri(arena, text, email);
    reply->recovery_codes = arena_alloc_array(arena, RECOVERY_CODES, sizeof(char *));
    if (!reply->secret || !reply->otpauth_uri || !reply->recovery_codes)
        return identity_is_full(err);
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        reply->recovery_codes[i] = arena_text(arena, codes[i]);
        if (!reply->recovery_codes[i])
            return identity_is_full(err);
        reply->n_recovery_codes = i + 1;
    }
    return true;
}

bool mfa_enroll(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__EnrollMfaRequest *request = input;
    AUTO(store_session) session = NULL;
    struct user_account account;
    unsigned char secret[TOTP_SECRET_SIZE];
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE];
    if (!request->password || !*request->password)
        return rpc_violation(call, err, "password", "must be your password");
    if (!password_confirm(identity, call, request->password, &account, err) ||
        !identity_begin(identity, account.tenant_id, &session, err))
        return false;
    const struct mfa_user user = { account.tenant_id, account.id, identity->master };
    const struct identity_change change = change_of(&account, "enrolled");
    totp_secret_new(secret);
    bool ok = mfa_store_enroll(session, &user, secret, codes, err) &&
              fill(reply, secret, account.email, codes, call->arena, err) &&
              identity_record(identity, session, call, &change, NULL, err);
    explicit_bzero(secret, sizeof secret);
    return ok;
}

static bool read_caller(
    struct store_session *session, const struct rpc_call *call, struct user_account *out_account, struct err *err)
{
    bool was_found;
    if (!user_account_read(session, call->caller->actor, out_account, &was_found, err))
        return false;
    return (was_found && out_account->is_active) || err_set(err, ERR_UNAUTHENTICATED, "there is no such user any more");
}

bool mfa_verify(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__VerifyMfaRequest *request = input;
    AUTO(store_session) session = NULL;
    struct user_account account;
    bool is_good;
    (void)reply;
    if (!request->otp || strlen(request->otp) != TOTP_DIGITS)
        return rpc_violation(call, err, "otp", "must be the six digits that the authenticator shows");
    if (!identity_is_person(call, err) || !store_session_open(&session, identity->store, err) ||
        !read_caller(session, call, &account, err) || !store_begin(session, account.tenant_id, err))
        return false;
    const struct mfa_user user = { account.tenant_id, account.id, identity->master };
    const struct identity_change change = change_of(&account, "enabled");
    if (!mfa_store_use_code(session, &user, request->otp, false, &is_good, err))
        return false;
    if (!is_good)
        return rpc_violation(call, err, "otp", "is not the code of now: look at the clock of the authenticator");
    return mfa_store_enable(session, &user, err) && identity_record(identity, session, call, &change, NULL, err);
}

/* Counted by itself: the right password, which is asked for first, would wash off the failures of the account. */
static struct lockout_subjects subject_of(const struct user_account *account)
{
    struct lockout_subjects subjects = { 0 };
    char name[64];
    snprintf(name, sizeof name, "second factor of %s", account->id);
    lockout_subject_of_account(subjects.account, name, account->tenant_id);
    return subjects;
}

static bool refuse_code(struct identity *identity, struct store_session *session, struct rpc_call *call,
    const struct user_account *account, struct err *err)
{
    const struct lockout_subjects subjects = subject_of(account);
    const struct identity_change change = change_of(account, "refused");
    return lockout_failed(session, &subjects, err) &&
           identity_record(identity, session, call, &change, "refused", err) &&
           rpc_violation(call, err, "otp", "is wrong or was used already");
}

static bool is_locked(struct store_session *session, const struct lockout_subjects *subjects, struct err *err)
{
    int64_t wait_ms;
    if (!lockout_remaining(session, subjects, &wait_ms, err))
        return true;
    return wait_ms > 0 &&
           !err_set(err, ERR_LIMIT, "too many wrong codes: try again in %" PRId64 " s", (wait_ms + 999) / 1000);
}

bool mfa_disable(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__DisableMfaRequest *request = input;
    AUTO(store_session) session = NULL;
    struct user_account account;
    bool is_good;
    (void)reply;
    if (!request->password || !*request->password || !request->otp)
        return rpc_violation(call, err, request->otp ? "password" : "otp", "must be there");
    if (!password_confirm(identity, call, request->password, &account, err) ||
        !identity_begin(identity, account.tenant_id, &session, err))
        return false;
    const struct mfa_user user = { account.tenant_id, account.id, identity->master };
    const struct lockout_subjects subjects = subject_of(&account);
    const struct identity_change change = change_of(&account, "disabled");
    if (is_locked(session, &subjects, err) || !mfa_store_use_code(session, &user, request->otp, true, &is_good, err))
        return false;
    if (!is_good)
        return refuse_code(identity, session, call, &account, err);
    return mfa_store_remove(session, &user, err) && lockout_succeeded(session, &subjects, err) &&
           identity_record(identity, session, call, &change, NULL, err);
}
