/* The migration runner on a real PostgreSQL. */
#include "base/clock.h"
#include "store/migrate.h"
#include "tests/support/test_process.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_postgres postgres;

/* What the build makes of a file. */
#define FILE_OF(symbol, text)                                                                                          \
    static const unsigned char migration_##symbol[] = text;                                                            \
    static const unsigned long migration_##symbol##_size = sizeof migration_##symbol - 1;

FILE_OF(0001_first, "CREATE TABLE thing (id int PRIMARY KEY);\nINSERT INTO thing VALUES (1), (2);\n")
FILE_OF(0001_changed, "CREATE TABLE thing (id int8 PRIMARY KEY);\n")
FILE_OF(0002_bad, "INSERT INTO thing VALUES (3); SELECT 1 / 0;")
FILE_OF(0002_second, "ALTER TABLE thing ADD name text; -- a comment; with a semicolon\n")
FILE_OF(0003_index, "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS thing_name ON thing (name);\n")
FILE_OF(0004_commits, "INSERT INTO thing VALUES (4); COMMIT;")
FILE_OF(0004_slow, "SELECT pg_sleep(0.3); INSERT INTO thing VALUES (4);")
FILE_OF(0004_cut, "SELECT 1;\0SELECT 2;")

static const struct migration first[] = { MIGRATION(1, 0001_first), { 0 } };
static const struct migration changed[] = { MIGRATION(1, 0001_changed), { 0 } };
static const struct migration bad[] = { MIGRATION(1, 0001_first), MIGRATION(2, 0002_bad), { 0 } };
static const struct migration three[] = { MIGRATION(1, 0001_first), MIGRATION(2, 0002_second), MIGRATION(3, 0003_index),
    { 0 } };
static const struct migration commits[] = { MIGRATION(1, 0001_first), MIGRATION(4, 0004_commits), { 0 } };
static const struct migration slow[] = { MIGRATION(1, 0001_first), MIGRATION(4, 0004_slow), { 0 } };
static const struct migration cut[] = { MIGRATION(1, 0001_first), MIGRATION(4, 0004_cut), { 0 } };
static const struct migration falling[] = { MIGRATION(2, 0002_second), MIGRATION(1, 0001_first), { 0 } };

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static struct store *open_as(const char *role, const char *schema)
{
    char url[128];
    struct err err = { 0 };
    struct store *store = NULL;
    snprintf(url, sizeof url, "postgresql://%s@127.0.0.1:%d/postgres", role, postgres.port);
    struct store_config config = { .url = url,
        .schema = schema,
        .name = "migrate-test",
        .pool_size = 2,
        .wait_ms = 1000,
        .statement_ms = 2000,
        .prepare = true };
    must(store_open(&store, &config, &err), &err);
    return store;
}

static void run(const char *sql)
{
    struct err err = { 0 };
    AUTO(store) store = open_as("postgres", "public");
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, store, &err) && store_script(session, sql, &err), &err);
}

static int64_t count_of(struct store *store, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, store, &err) && store_query(session, &result, sql, NO_PARAMS, &err), &err);
    return store_result_int(result, 0, 0);
}

static int start(void **state)
{
    (void)state;
    test_postgres_start(&postgres);
    run("CREATE ROLE maker LOGIN; CREATE ROLE user_of_it LOGIN; GRANT CREATE ON DATABASE postgres TO maker");
    return 0;
}

static int drop_schema(void **state)
{
    (void)state;
    run("DROP SCHEMA IF EXISTS demo CASCADE");
    return 0;
}

static int version_of(struct store *store)
{
    struct err err = { 0 };
    int version = -1;
    must(migrate_version(store, "demo", &version, &err), &err);
    return version;
}

static void a_new_schema_is_brought_up_and_stays(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) owner = open_as("maker", "demo");
    assert_int_equal(version_of(owner), 0);
    for (int round = 0; round < 3; round++)
        must(migrate_up(owner, "demo", three, "1.0", &err), &err);
    assert_int_equal(version_of(owner), 3);
    assert_int_equal(count_of(owner, "SELECT count(*) FROM demo.thing"), 2);
    assert_int_equal(count_of(owner, "SELECT count(*) FROM pg_indexes WHERE indexname = 'thing_name'"), 1);
    assert_int_equal(count_of(owner, "SELECT count(*) FROM demo.schema_migration WHERE name = '0001_first' AND "
                                     "length(checksum) = 64 AND app_version = '1.0' AND duration_ms >= 0"),
        1);
    /* The session came back as it was lent. */
    assert_int_equal(
        count_of(owner, "SELECT count(*) FROM pg_settings WHERE (name = 'statement_timeout' AND setting = '2000') "
                        "OR (name = 'lock_timeout' AND setting = '0') OR (name = 'search_path' AND setting = 'demo')"),
        3);
    assert_int_equal(count_of(owner, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0);
}

static void later_files_are_added_to_what_is_there(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) owner = open_as("maker", "demo");
    must(migrate_up(owner, "demo", first, "1.0", &err), &err);
    assert_int_equal(version_of(owner), 1);
    must(migrate_up(owner, "demo", three, "1.1", &err), &err);
    assert_int_equal(version_of(owner), 3);
    must(migrate_up(owner, "demo", first, "1.0", &err), &err); /* the older program again */
    assert_int_equal(version_of(owner), 3);
}

static void a_changed_file_stops_the_program(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) owner = open_as("maker", "demo");
    must(migrate_up(owner, "demo", first, "1.0", &err), &err);
    assert_false(migrate_up(owner, "demo", changed, "1.0", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "0001_changed"));
}

static void a_file_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) owner = open_as("maker", "demo");
    assert_false(migrate_up(owner, "demo", bad, "1.0", &err));
    assert_non_null(strstr(err.text, "0002_bad"));
    assert_int_equal(version_of(owner), 1);
    assert_int_equal(count_of(owner, "SELECT count(*) FROM demo.thing"), 2);
    must(migrate_up(owner, "demo", three, "1.0", &err), &err);
}

static void files_and_lists_that_break_the_rules_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const struct migration *migrations;
    } cases[] = { { "falling versions", falling }, { "a COMMIT inside", commits }, { "a NUL inside", cut } };
    AUTO(store) owner = open_as("maker", "demo");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        if (migrate_up(owner, "demo", cases[i].migrations, "1.0", &err) || err.kind != ERR_BUG)
            fail_msg("%s: %s", cases[i].what, err.text);
    }
    struct err err = { 0 };
    int version;
    assert_false(migrate_up(owner, "de mo; DROP", first, "1.0", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(migrate_version(owner, "de mo; DROP", &version, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void *migrate_slowly(void *context)
{
    struct err err = { 0 };
    struct store *owner = context;
    return migrate_up(owner, "demo", slow, "1.0", &err) ? owner : NULL;
}

static void replicas_that_start_together_migrate_once(void **state)
{
    (void)state;
    enum { REPLICAS = 3 };
    pthread_t threads[REPLICAS];
    struct store *owners[REPLICAS];
    for (int i = 0; i < REPLICAS; i++) {
        owners[i] = open_as("maker", "demo");
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_slowly, owners[i]), 0);
    }
    for (int i = 0; i < REPLICAS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, owners[i]);
    }
    assert_int_equal(version_of(owners[0]), 4);
    for (int i = 0; i < REPLICAS; i++)
        store_close(owners[i]);
}

static void a_table_in_use_delays_but_does_not_hang(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) owner = open_as("maker", "demo");
    must(migrate_up(owner, "demo", first, "1.0", &err), &err);
    AUTO(store) other = open_as("maker", "demo");
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, other, &err) && store_begin(session, 0, &err) &&
             store_run(session, "LOCK TABLE demo.thing IN ACCESS SHARE MODE", NO_PARAMS, NULL, &err),
        &err);
    int64_t begin_us = clock_monotonic_us();
    assert_false(migrate_up(owner, "demo", three, "1.0", &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_in_range((clock_monotonic_us() - begin_us) / 1000, 4500, 8000);
    store_rollback(session);
    must(migrate_up(owner, "demo", three, "1.0", &err), &err);
}

static void the_runtime_role_reads_the_version(void **state)
{
    (void)state;
    struct err err = { 0 };
    int version = -1;
    AUTO(store) owner = open_as("maker", "demo");
    AUTO(store) runtime = open_as("user_of_it", "demo");
    assert_int_equal(version_of(runtime), 0);
    must(migrate_up(owner, "demo", first, "1.0", &err), &err);
    assert_false(migrate_version(runtime, "demo", &version, &err)); /* the schema may not be used yet */
    run("GRANT USAGE ON SCHEMA demo TO user_of_it");
    assert_int_equal(version_of(runtime), 1);
}

static void a_schema_made_beforehand_needs_no_right_to_create_one(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) owner = open_as("user_of_it", "demo");
    assert_false(migrate_up(owner, "demo", first, "1.0", &err));
    run("CREATE SCHEMA demo AUTHORIZATION user_of_it");
    must(migrate_up(owner, "demo", first, "1.0", &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_schema_is_brought_up_and_stays, drop_schema),
        cmocka_unit_test_setup(later_files_are_added_to_what_is_there, drop_schema),
        cmocka_unit_test_setup(a_changed_file_stops_the_program, drop_schema),
        cmocka_unit_test_setup(a_file_that_fails_leaves_nothing, drop_schema),
        cmocka_unit_test_setup(files_and_lists_that_break_the_rules_are_refused, drop_schema),
        cmocka_unit_test_setup(replicas_that_start_together_migrate_once, drop_schema),
        cmocka_unit_test_setup(a_table_in_use_delays_but_does_not_hang, drop_schema),
        cmocka_unit_test_setup(the_runtime_role_reads_the_version, drop_schema),
        cmocka_unit_test_setup(a_schema_made_beforehand_needs_no_right_to_create_one, drop_schema),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
