/* The second factor in the database. Each within the session's transaction, in the user's tenant. */
#pragma once
#include "auth/auth.h"
#include "auth/totp.h"
#include "store/store.h"

enum { RECOVERY_CODES = 10, RECOVERY_CODE_SIZE = 20 };

struct mfa_user {
    int32_t tenant_id;
    const char *user_id;
    const unsigned char *master; /* MASTER_KEY_SIZE bytes that wrap the secret */
};

/* Keeps a new secret and the hashes of new recovery codes; they do not count yet. ERR_CONFLICT if it is on already. */
MUST_CHECK bool mfa_store_enroll(struct store_session *session, const struct mfa_user *user,
    const unsigned char secret[TOTP_SECRET_SIZE], char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], struct err *err);
/* Switches on what was enrolled; ERR_NOT_FOUND if nothing was. */
MUST_CHECK bool mfa_store_enable(struct store_session *session, const struct mfa_user *user, struct err *err);
/* Forgets all of it. */
MUST_CHECK bool mfa_store_remove(struct store_session *session, const struct mfa_user *user, struct err *err);
/* Whether otp is a code of the authenticator, which is used up, or, if it may be, a recovery code, which is gone then.
 * Holds the user's row, so that of two who bring the same code at once one gets in. */
MUST_CHECK bool mfa_store_use_code(struct store_session *session, const struct mfa_user *user, const char *otp,
    bool takes_recovery, bool *out_is_good, struct err *err);
