#include "store/store_timer.h"

bool store_try_lock(struct store_session *session, const char *name, bool *out_mine, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))",
            PARAMS(PARAM_TEXT(name)), err))
        return false;
    *out_mine = store_result_bool(result, 0, 0);
    return true;
}

bool store_lock(struct store_session *session, const char *name, struct err *err)
{
    return store_run(
        session, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", PARAMS(PARAM_TEXT(name)), NULL, err);
}
