#include "compaction.h"
#include "base/log.h"
#include <stdio.h>

static const char watch_sql[] =
    "INSERT INTO telemetry.partition_watch AS w (partition, heap_bytes, since)"
    " SELECT c.relname::text, pg_relation_size(c.oid), now() FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid"
    " WHERE h.inhparent = 'telemetry.reading'::regclass"
    " ON CONFLICT (partition) DO UPDATE SET heap_bytes = excluded.heap_bytes, since = excluded.since"
    " WHERE w.heap_bytes <> excluded.heap_bytes";

/* A full index takes 28 bytes for a row of 60, less than half; one that is worth the work takes 0.6 times the rows'
 * room or more. */
static const char loose_sql[] =
    "SELECT w.partition, pg_relation_size(i.indexrelid) FROM telemetry.partition_watch w"
    " JOIN pg_index i ON i.indrelid = to_regclass('telemetry.' || w.partition) AND i.indisprimary"
    " WHERE w.since <= now() - $1::int8 * interval '1 millisecond' AND w.heap_bytes >= 1048576"
    "  AND pg_relation_size(i.indexrelid) > w.heap_bytes * 0.6"
    " ORDER BY w.since LIMIT 1";

/* What a rebuild that was cut short has left: not valid, yet kept up to date by every write. */
static const char remains_sql[] =
    "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_inherits h ON h.inhrelid = i.indrelid AND h.inhparent = 'telemetry.reading'::regclass"
    " WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'";

static bool run_one(struct store_session *session, const char *verb, const char *index, struct err *err)
{
    char sql[PARTITION_NAME_SIZE + 96];
    int length = snprintf(sql, sizeof sql, "%s telemetry.%s", verb, index);
    if (length < 0 || (size_t)length >= sizeof sql)
        return err_set(err, ERR_BUG, "the statement for %s does not fit", index);
    return store_script(session, sql, err) || err_wrap(err, "%s", index);
}

static bool remove_remains(struct store_session *session, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, remains_sql, NO_PARAMS, err))
        return err_wrap(err, "remains");
    for (size_t row = 0; row < store_result_rows(result); row++)
        if (!run_one(session, "DROP INDEX CONCURRENTLY IF EXISTS", store_result_text(result, row, 0), err))
            return false;
    return true;
}

static bool choose(struct store_session *session, int64_t quiet_ms, struct compaction_report *report, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_run(session, watch_sql, NO_PARAMS, NULL, err) ||
        !store_query(session, &result, loose_sql, PARAMS(PARAM_INT(quiet_ms)), err))
        return err_wrap(err, "loose partitions");
    if (store_result_rows(result) == 0)
        return true;
    snprintf(report->partition, sizeof report->partition, "%s", store_result_text(result, 0, 0));
    report->bytes_before = store_result_int(result, 0, 1);
    return true;
}

static bool index_bytes(struct store_session *session, const char *partition, int64_t *out_bytes, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, "SELECT pg_indexes_size(to_regclass('telemetry.' || $1::text))",
            PARAMS(PARAM_TEXT(partition)), err))
        return err_wrap(err, "size of the index of %s", partition);
    *out_bytes = store_result_int(result, 0, 0);
    return true;
}

static bool note_backend(struct store_session *session, atomic_int *out_backend, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, "SELECT pg_backend_pid()", NO_PARAMS, err))
        return false;
    atomic_store(out_backend, (int)store_result_int(result, 0, 0));
    return true;
}

static bool rebuild(
    struct store_session *session, atomic_int *out_backend, struct compaction_report *report, struct err *err)
{
    if (!note_backend(session, out_backend, err))
        return false;
    bool ok = run_one(session, "REINDEX TABLE CONCURRENTLY", report->partition, err);
    atomic_store(out_backend, 0);
    return ok && index_bytes(session, report->partition, &report->bytes_after, err);
}

/* Of the session, because REINDEX CONCURRENTLY cannot run in a transaction, and waits for those of others. */
static bool try_turn(struct store_session *session, bool *out_mine, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, "SELECT pg_try_advisory_lock(hashtextextended('telemetry.compaction', 0))",
            NO_PARAMS, err))
        return false;
    *out_mine = store_result_bool(result, 0, 0);
    return true;
}

bool compaction_run(struct store *apart, int64_t quiet_ms, atomic_int *out_backend,
    struct compaction_report *out_report, struct err *err)
{
    AUTO(store_session) session = NULL;
    bool is_mine = false;
    *out_report = (struct compaction_report){ 0 };
    if (!store_session_open(&session, apart, err) || !try_turn(session, &is_mine, err))
        return err_wrap(err, "compaction");
    if (!is_mine)
        return true;
    return remove_remains(session, err) && choose(session, quiet_ms, out_report, err) &&
           (out_report->partition[0] == '\0' || rebuild(session, out_backend, out_report, err));
}

void compaction_cancel(struct store *store, atomic_int *backend)
{
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    int pid = atomic_load(backend);
    if (pid != 0 && (!store_session_open(&session, store, &err) ||
                        !store_run(session, "SELECT pg_cancel_backend($1::int4)", PARAMS(PARAM_INT(pid)), NULL, &err)))
        log_warn(NULL, "compaction.not_cancelled", LOG_ERR(&err));
}
