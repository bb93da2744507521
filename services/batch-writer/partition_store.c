#include "partition_store.h"
#include "base/time_text.h"
#include "batch.h"
#include "store/store_timer.h"
#include <stdio.h>

enum { MOST_NAME_TRIES = 100 };

/* The bounds are written and read in the same session, so its DateStyle and TimeZone do not matter. */
bool partition_list_load(struct partition_list *list, struct store_session *session, struct err *err)
{
    static const char sql[] =
        "SELECT name, from_at, to_at FROM ("
        " SELECT c.relname::text AS name,"
        "  (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\)'))[1]::timestamptz AS from_at,"
        "  (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''([^'']+)''\\)'))[1]::timestamptz AS to_at"
        " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'telemetry.reading'::regclass AND NOT i.inhdetachpending) p "
        "WHERE from_at IS NOT NULL AND to_at IS NOT NULL ORDER BY from_at";
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, sql, NO_PARAMS, err))
        return err_wrap(err, "partitions");
    partition_list_clear(list);
    for (size_t row = 0; row < store_result_rows(result); row++)
        if (!partition_list_put(list, store_result_text(result, row, 0), store_result_time(result, row, 1),
                store_result_time(result, row, 2), err))
            return false;
    return true;
}

static bool choose_name(char name[PARTITION_NAME_SIZE], struct store_session *session, int64_t from_at, struct err *err)
{
    for (int try = 0; try < MOST_NAME_TRIES; try++) {
        AUTO(store_result) result = NULL;
        partition_name(name, from_at, try);
        if (!store_query(session, &result, "SELECT to_regclass('telemetry.' || $1::text) IS NULL",
                PARAMS(PARAM_TEXT(name)), err))
            return false;
        if (store_result_bool(result, 0, 0))
            return true;
    }
    return err_set(err, ERR_BUG, "no name is left for the partition %s", name);
}

/* The parent is locked to everyone for the moment that it takes: under the weak lock of ATTACH alone a session that was
 * just reading the list of partitions could remember it without the new one for as long as it lived. The table is
 * empty, so nothing is scanned. */
static bool attach_new(struct store_session *session, struct partition_bounds bounds, struct err *err)
{
    char name[PARTITION_NAME_SIZE], from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE], sql[1024];
    if (!choose_name(name, session, bounds.from_at, err))
        return false;
    time_text_format(from, bounds.from_at);
    time_text_format(to, bounds.to_at);
    int length = snprintf(sql, sizeof sql,
        "LOCK TABLE telemetry.reading IN ACCESS EXCLUSIVE MODE;"
        "CREATE TABLE telemetry.%s (LIKE telemetry.reading INCLUDING DEFAULTS, PRIMARY KEY (sensor_no, observed_at) "
        "WITH (fillfactor = 100), "
        "CONSTRAINT bounds CHECK (observed_at >= '%s' AND observed_at < '%s'));"
        "ALTER TABLE telemetry.reading ATTACH PARTITION telemetry.%s FOR VALUES FROM ('%s') TO ('%s');"
        "ALTER TABLE telemetry.%s DROP CONSTRAINT bounds",
        name, from, to, name, from, to, name);
    if (length < 0 || (size_t)length >= sizeof sql)
        return err_set(err, ERR_BUG, "the statements for partition %s do not fit", name);
    return store_script(session, sql, err) || err_wrap(err, "partition %s", name);
}

bool partition_make(
    struct partition_list *list, struct store_session *session, int64_t at, int64_t days, struct err *err)
{
    bool ok = store_begin(session, 0, err) && store_lock(session, "telemetry.partition", err) &&
              partition_list_load(list, session, err) &&
              (partition_list_find(list, at) || attach_new(session, partition_bounds_new(list, at, days), err)) &&
              store_commit(session, err);
    if (!ok) {
        store_rollback(session);
        return false;
    }
    return partition_list_load(list, session, err);
}

bool partition_make_ahead(struct partition_list *list, struct store_session *session, int64_t now_us, int64_t days,
    int64_t ahead, size_t *out_made, struct err *err)
{
    size_t made = 0;
    if (!partition_list_load(list, session, err))
        return false;
    for (int64_t i = 0; i <= ahead; i++) {
        int64_t at = now_us + i * days * DAY_US;
        if (partition_list_find(list, at))
            continue;
        if (!partition_make(list, session, at, days, err))
            return false;
        made++;
    }
    if (out_made)
        *out_made = made;
    return true;
}
