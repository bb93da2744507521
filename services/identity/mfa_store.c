#include "mfa_store.h"
#include "base/clock.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { CONTEXT_SIZE = 64, SECRET_CEILING = 256, RECOVERY_DIGITS = 16 };

static void wrap_context(char context[CONTEXT_SIZE], const struct mfa_user *user)
{
    snprintf(context, CONTEXT_SIZE, "mfa:%.40s", user->user_id);
}

/* People type them in either case, with or without the hyphens. */
static void hash_recovery_code(unsigned char hash[SHA256_SIZE], const char *code)
{
    char plain[RECOVERY_DIGITS + 1] = "";
    size_t length = 0;
    for (; *code && length < RECOVERY_DIGITS; code++)
        if (isalnum((unsigned char)*code))
            plain[length++] = (char)toupper((unsigned char)*code);
    plain[length] = '\0';
    auth_sha256(hash, plain, length);
}

static bool put_recovery_codes(struct store_session *session, const struct mfa_user *user,
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], struct err *err)
{
    if (!store_run(session, "DELETE FROM recovery_code WHERE tenant_id = $1 AND user_id = $2",
            PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id)), NULL, err))
        return false;
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        unsigned char hash[SHA256_SIZE];
        hash_recovery_code(hash, codes[i]);
        if (!store_run(session, "INSERT INTO recovery_code (tenant_id, user_id, hash) VALUES ($1, $2, $3)",
                PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id), PARAM_BYTES(hash, sizeof hash)), NULL,
                err))
            return false;
    }
    return true;
}

/* 80 random bits each, in four groups of base32. */
static void make_recovery_codes(char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE])
{
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        unsigned char random[TOTP_SECRET_SIZE];
        char text[TOTP_SECRET_TEXT_SIZE];
        totp_secret_new(random);
        totp_secret_text(text, random);
        snprintf(codes[i], RECOVERY_CODE_SIZE, "%.4s-%.4s-%.4s-%.4s", text, text + 4, text + 8, text + 12);
    }
}

bool mfa_store_enroll(struct store_session *session, const struct mfa_user *user,
    const unsigned char secret[TOTP_SECRET_SIZE], char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], struct err *err)
{
    char context[CONTEXT_SIZE];
    int64_t changed;
    AUTO_INPLACE(buffer) wrapped = { .ceiling_bytes = SECRET_CEILING };
    wrap_context(context, user);
    if (!secret_wrap(&wrapped, user->master, context, secret, TOTP_SECRET_SIZE, err) ||
        !store_run(session,
            "UPDATE app_user SET mfa_secret = $3, mfa_last_step = -1 "
            "WHERE tenant_id = $1 AND id = $2 AND mfa_enabled_at IS NULL",
            PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id), PARAM_BYTES(wrapped.data, wrapped.size)),
            &changed, err))
        return false;
    if (changed != 1)
        return err_set(err, ERR_CONFLICT, "the second factor is on already: switch it off first");
    make_recovery_codes(codes);
    return put_recovery_codes(session, user, codes, err);
}

bool mfa_store_enable(struct store_session *session, const struct mfa_user *user, struct err *err)
{
    int64_t changed;
    if (!store_run(session,
            "UPDATE app_user SET mfa_enabled_at = now(), updated_at = now() WHERE tenant_id = $1 AND id = $2 AND "
            "mfa_secret IS NOT NULL AND mfa_enabled_at IS NULL",
            PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id)), &changed, err))
        return false;
    return changed == 1 || err_set(err, ERR_CONFLICT, "there is nothing to switch on: enroll first");
}

bool mfa_store_remove(struct store_session *session, const struct mfa_user *user, struct err *err)
{
    return store_run(session,
               "UPDATE app_user SET mfa_secret = NULL, mfa_enabled_at = NULL, mfa_last_step = -1, updated_at = now() "
               "WHERE tenant_id = $1 AND id = $2",
               PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id)), NULL, err) &&
           store_run(session, "DELETE FROM recovery_code WHERE tenant_id = $1 AND user_id = $2",
               PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id)), NULL, err);
}

/* ---- codes ------------------------------------------------------------------------------------------------------- */
static bool unwrap(unsigned char secret[TOTP_SECRET_SIZE], const struct mfa_user *user, const unsigned char *wrapped,
    size_t size, struct err *err)
{
    char context[CONTEXT_SIZE];
    AUTO_INPLACE(buffer) plain = { .ceiling_bytes = SECRET_CEILING };
    wrap_context(context, user);
    if (!secret_unwrap(&plain, user->master, context, wrapped, size, err))
        return err_wrap(err, "the second factor of user %s", user->user_id);
    bool ok = plain.size == TOTP_SECRET_SIZE || err_set(err, ERR_BUG, "a second factor of %zu bytes", plain.size);
    if (ok)
        memcpy(secret, plain.data, TOTP_SECRET_SIZE);
    explicit_bzero(plain.data, plain.size);
    return ok;
}

static bool use_recovery_code(
    struct store_session *session, const struct mfa_user *user, const char *otp, bool *out_is_good, struct err *err)
{
    unsigned char hash[SHA256_SIZE];
    int64_t deleted;
    hash_recovery_code(hash, otp);
    if (!store_run(session, "DELETE FROM recovery_code WHERE tenant_id = $1 AND user_id = $2 AND hash = $3",
            PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id), PARAM_BYTES(hash, sizeof hash)), &deleted,
            err))
        return false;
    *out_is_good = deleted == 1;
    return true;
}

static bool use_step(struct store_session *session, const struct mfa_user *user, int64_t step, struct err *err)
{
    return store_run(session, "UPDATE app_user SET mfa_last_step = $3::int8 WHERE tenant_id = $1 AND id = $2",
        PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id), PARAM_INT(step)), NULL, err);
}

bool mfa_store_use_code(struct store_session *session, const struct mfa_user *user, const char *otp,
    bool takes_recovery, bool *out_is_good, struct err *err)
{
    AUTO(store_result) row = NULL;
    struct arena arena;
    unsigned char *wrapped, secret[TOTP_SECRET_SIZE];
    size_t size;
    int64_t step = 0;
    *out_is_good = false;
    if (!store_query(session, &row,
            "SELECT mfa_secret, mfa_last_step FROM app_user WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->user_id)), err))
        return false;
    if (store_result_rows(row) != 1 || store_result_is_null(row, 0, 0))
        return err_set(err, ERR_CONFLICT, "there is no second factor: enroll first");
    arena_init(&arena, 4096);
    bool ok = (store_result_bytes(row, 0, 0, &arena, &wrapped, &size) || err_set(err, ERR_BUG, "no secret")) &&
              unwrap(secret, user, wrapped, size, err);
    arena_done(&arena);
    if (!ok)
        return false;
    *out_is_good = totp_matches(secret, otp, clock_now_us() / 1000000, store_result_int(row, 0, 1), &step);
    explicit_bzero(secret, sizeof secret);
    if (*out_is_good)
        return use_step(session, user, step, err);
    return !takes_recovery || use_recovery_code(session, user, otp, out_is_good, err);
}
