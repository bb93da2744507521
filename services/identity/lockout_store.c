#include "lockout_store.h"

bool lockout_remaining(
    struct store_session *session, const struct lockout_subjects *subjects, int64_t *out_wait_ms, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result,
            "SELECT ceil(greatest(0, extract(epoch FROM max(locked_until) - clock_timestamp())) * 1000)::int8 "
            "FROM login_failure WHERE subject IN ($1, $2)",
            PARAMS(PARAM_TEXT(subjects->account), PARAM_TEXT(subjects->address)), err))
        return false;
    *out_wait_ms = store_result_int(result, 0, 0); /* NULL, without a row, reads as 0 */
    return true;
}

static bool count_failure(struct store_session *session, const char *subject, int64_t free_failures, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result,
            "INSERT INTO login_failure AS f (subject, failures, last_at, locked_until) VALUES ($1, 1, now(), now()) "
            "ON CONFLICT (subject) DO UPDATE SET last_at = now(), "
            "failures = CASE WHEN f.last_at < now() - interval '1 hour' THEN 1 ELSE least(f.failures + 1, 1000) END "
            "RETURNING failures",
            PARAMS(PARAM_TEXT(subject)), err))
        return false;
    int64_t delay_ms = lockout_delay_ms(store_result_int(result, 0, 0), free_failures);
    return delay_ms == 0 || store_run(session,
                                "UPDATE login_failure SET locked_until = clock_timestamp() + $2::int8 * interval '1 "
                                "millisecond' WHERE subject = $1",
                                PARAMS(PARAM_TEXT(subject), PARAM_INT(delay_ms)), NULL, err);
}

/* Always the account first: two who fail at once wait for each other in one order. */
bool lockout_failed(struct store_session *session, const struct lockout_subjects *subjects, struct err *err)
{
    return count_failure(session, subjects->account, LOCKOUT_FREE_OF_ACCOUNT, err) &&
           (!*subjects->address || count_failure(session, subjects->address, LOCKOUT_FREE_OF_ADDRESS, err));
}

bool lockout_succeeded(struct store_session *session, const struct lockout_subjects *subjects, struct err *err)
{
    return store_run(
        session, "DELETE FROM login_failure WHERE subject = $1", PARAMS(PARAM_TEXT(subjects->account)), NULL, err);
}
