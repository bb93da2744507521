/* Failed logins in the table login_failure; see lockout.h for the rule. */
#pragma once
#include "lockout.h"
#include "store/store.h"

/* Who is at the door: the account that is asked for, and where from. */
struct lockout_subjects {
    char account[LOCKOUT_SUBJECT_SIZE];
    char address[LOCKOUT_SUBJECT_SIZE]; /* "" if it is not known */
};

/* 0, or how long to wait. Within the session's transaction, as the others. */
MUST_CHECK bool lockout_remaining(
    struct store_session *session, const struct lockout_subjects *subjects, int64_t *out_wait_ms, struct err *err);
MUST_CHECK bool lockout_failed(struct store_session *session, const struct lockout_subjects *subjects, struct err *err);
/* The account's failures are forgotten; the address's are not: one good login would wash off all guesses at others. */
MUST_CHECK bool lockout_succeeded(
    struct store_session *session, const struct lockout_subjects *subjects, struct err *err);
