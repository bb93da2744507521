#include "store/migrate.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/store_internal.h"
#include <stdio.h>
#include <string.h>

enum { SQL_SIZE = 512 };
static const char no_transaction[] = "-- migrate: no-transaction";

static bool check_order(const struct migration *migrations, struct err *err)
{
    int before = 0;
    for (const struct migration *migration = migrations; migration->name; migration++) {
        if (migration->version <= before)
            return err_set(err, ERR_BUG, "migration %s: versions must rise from 1", migration->name);
        before = migration->version;
    }
    return true;
}

/* The lock is waited for without limit: another replica may be migrating. Only then do the limits of the files begin.
 */
static bool take_lock(struct store_session *session, const char *schema, struct err *err)
{
    char sql[SQL_SIZE];
    snprintf(sql, sizeof sql,
        "SET statement_timeout = 0; SELECT pg_advisory_lock(hashtextextended('migrate:%s', 0)); "
        "SET lock_timeout = '5s'; SET search_path = %s",
        schema, schema);
    return store_script(session, sql, err);
}

/* The session goes back to its pool as it came. */
static bool give_lock(struct store_session *session, const char *schema, struct err *err)
{
    char sql[SQL_SIZE];
    snprintf(sql, sizeof sql,
        "SELECT pg_advisory_unlock(hashtextextended('migrate:%s', 0)); "
        "RESET lock_timeout; RESET statement_timeout; RESET search_path",
        schema);
    return store_script(session, sql, err);
}

static bool is_there(
    struct store_session *session, const char *schema, const char *table, bool *out_is_there, struct err *err)
{
    /* Asks the catalogue, which any role may read; to_regclass fails where the schema may not be used. */
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result,
            "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = $1 AND ($2::text IS NULL OR "
            "EXISTS "
            "(SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = $2)))",
            PARAMS(PARAM_TEXT(schema), PARAM_TEXT(table)), err))
        return false;
    *out_is_there = store_result_bool(result, 0, 0);
    return true;
}

static bool make_table(struct store_session *session, const char *schema, struct err *err)
{
    char sql[SQL_SIZE];
    bool has_schema;
    /* CREATE SCHEMA IF NOT EXISTS wants the right to create one even where it exists. */
    if (!is_there(session, schema, NULL, &has_schema, err))
        return false;
    snprintf(sql, sizeof sql, "CREATE SCHEMA IF NOT EXISTS %s", schema);
    if (!has_schema && !store_script(session, sql, err))
        return false;
    /* Everybody who may use the schema may ask for its version. */
    snprintf(sql, sizeof sql,
        "CREATE TABLE IF NOT EXISTS %s.schema_migration (version int PRIMARY KEY, name text NOT NULL, checksum text "
        "NOT NULL, "
        "applied_at timestamptz NOT NULL DEFAULT now(), duration_ms bigint NOT NULL, app_version text NOT NULL); "
        "GRANT SELECT ON %s.schema_migration TO PUBLIC",
        schema, schema);
    return store_script(session, sql, err);
}

/* Whether the file was applied; ERR_CONFIG when it was, and is another now. */
static bool look_up(struct store_session *session, const struct migration *migration, char checksum[65],
    bool *out_is_applied, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result,
            "SELECT f.checksum, m.checksum, m.checksum IS NOT DISTINCT FROM f.checksum FROM (SELECT encode(sha256($2), "
            "'hex') "
            "AS checksum) f LEFT JOIN schema_migration m ON m.version = $1::int",
            PARAMS(PARAM_INT(migration->version), PARAM_BYTES(migration->sql, *migration->size)), err))
        return false;
    snprintf(checksum, 65, "%s", store_result_text(result, 0, 0));
    *out_is_applied = !store_result_is_null(result, 0, 1);
    if (*out_is_applied && !store_result_bool(result, 0, 2))
        return err_set(err, ERR_CONFIG, "the file was changed after it had been applied");
    return true;
}

static bool record(struct store_session *session, const struct migration *migration, const char *checksum,
    int64_t begin_us, const char *app_version, struct err *err)
{
    int64_t duration_ms = (clock_monotonic_us() - begin_us) / 1000;
    return store_run(session,
        "INSERT INTO schema_migration (version, name, checksum, duration_ms, app_version) VALUES ($1, $2, $3, $4, $5)",
        PARAMS(PARAM_INT(migration->version), PARAM_TEXT(migration->name), PARAM_TEXT(checksum), PARAM_INT(duration_ms),
            PARAM_TEXT(app_version)),
        NULL, err);
}

static bool apply(struct store_session *session, const struct migration *migration, const char *checksum,
    const char *app_version, struct err *err)
{
    int64_t begin_us = clock_monotonic_us();
    const char *sql = (const char *)migration->sql;
    bool is_bare =
        *migration->size >= sizeof no_transaction - 1 && strncmp(sql, no_transaction, sizeof no_transaction - 1) == 0;
    if (strlen(sql) != *migration->size)
        return err_set(err, ERR_BUG, "the file holds a NUL");
    if (!is_bare && !store_script(session, "BEGIN", err))
        return false;
    bool ok = store_script(session, sql, err);
    if (ok && !is_bare && PQtransactionStatus(session->connection) != PQTRANS_INTRANS)
        ok = err_set(err, ERR_BUG, "the file must not end its transaction");
    ok = ok && record(session, migration, checksum, begin_us, app_version, err) &&
         (is_bare || store_commit(session, err));
    if (!ok)
        store_rollback(session);
    return ok;
}

static bool bring_up(
    struct store_session *session, const struct migration *migrations, const char *app_version, struct err *err)
{
    for (const struct migration *migration = migrations; migration->name; migration++) {
        bool is_applied = false;
        char checksum[65];
        if (!look_up(session, migration, checksum, &is_applied, err) ||
            (!is_applied && !apply(session, migration, checksum, app_version, err)))
            return err_wrap(err, "migration %s", migration->name);
        if (!is_applied)
            log_info(NULL, "schema.migrated", LOG_TEXT("migration", migration->name));
    }
    return true;
}

bool migrate_up(struct store *owner, const char *schema, const struct migration *migrations, const char *app_version,
    struct err *err)
{
    struct err ignored = { 0 };
    AUTO(store_session) session = NULL;
    if (!store_is_plain_name(schema))
        return err_set(err, ERR_CONFIG, "the schema name must be lower-case letters, digits and _");
    if (!check_order(migrations, err) || !store_session_open(&session, owner, err) || !take_lock(session, schema, err))
        return false;
    bool ok = make_table(session, schema, err) && bring_up(session, migrations, app_version, err);
    /* A session that cannot give the lock back takes it along when it ends. */
    if (!give_lock(session, schema, ok ? err : &ignored)) {
        store_session_disconnect(session);
        return false;
    }
    return ok;
}

bool migrate_version(struct store *store, const char *schema, int *out_version, struct err *err)
{
    char sql[SQL_SIZE];
    bool has_table;
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    if (!store_is_plain_name(schema))
        return err_set(err, ERR_CONFIG, "the schema name must be lower-case letters, digits and _");
    if (!store_session_open(&session, store, err) || !is_there(session, schema, "schema_migration", &has_table, err))
        return false;
    if (!has_table) {
        *out_version = 0;
        return true;
    }
    snprintf(sql, sizeof sql, "SELECT coalesce(max(version), 0) FROM %s.schema_migration", schema);
    if (!store_query(session, &result, sql, NO_PARAMS, err))
        return err_wrap(err, "the version of schema %s", schema);
    *out_version = (int)store_result_int(result, 0, 0);
    return true;
}
