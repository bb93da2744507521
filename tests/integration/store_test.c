/* The pool, transactions, parameters and results on a real PostgreSQL. */
#include "base/clock.h"
#include "store/store.h"
#include "store/store_timer.h"
#include "tests/support/test_process.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_postgres postgres;

static struct store_config config_of(int64_t pool_size)
{
    return (struct store_config){ .url = postgres.url,
        .schema = "public",
        .name = "store-test",
        .pool_size = pool_size,
        .wait_ms = 200,
        .statement_ms = 5000,
        .prepare = true };
}

static struct store *open_store(int64_t pool_size)
{
    struct err err = { 0 };
    struct store *store = NULL;
    struct store_config config = config_of(pool_size);
    if (!store_open(&store, &config, &err))
        fail_msg("%s", err.text);
    return store;
}

static struct store_session *open_session(struct store *store)
{
    struct err err = { 0 };
    struct store_session *session = NULL;
    if (!store_session_open(&session, store, &err))
        fail_msg("%s", err.text);
    return session;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static int start_postgres(void **state)
{
    (void)state;
    struct err err = { 0 };
    test_postgres_start(&postgres);
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    must(store_script(session,
             "CREATE TABLE thing (id int PRIMARY KEY, name text, ratio float8 CONSTRAINT thing_ratio CHECK (ratio < "
             "100), "
             "at timestamptz, body bytea, is_on bool, key uuid CONSTRAINT thing_key UNIQUE, small int2);"
             "CREATE TABLE part (id int PRIMARY KEY, thing_id int CONSTRAINT part_thing REFERENCES thing);",
             &err),
        &err);
    return 0;
}

/* ---- parameters and results ------------------------------------------------------------------------------------- */
static void every_kind_of_value_reads_back_as_it_was(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct arena arena;
    unsigned char *bytes;
    size_t size;
    const unsigned char body[] = { 0, 1, 0xff, '\\', 'x' };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    AUTO(store_result) result = NULL;
    must(store_begin(session, 0, &err), &err);
    must(store_query(session, &result,
             "INSERT INTO thing (id, name, ratio, at, body, is_on, key, small) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
             "RETURNING "
             "*, at < '2026-01-01', at = '1969-12-31T23:59:59.999999Z'::timestamptz",
             PARAMS(PARAM_INT(-7), PARAM_TEXT("Wörter \"quoted\" \\ '"), PARAM_DOUBLE(0.1 + 0.2), PARAM_TIME(-1),
                 PARAM_BYTES(body, sizeof body), PARAM_BOOL(true), PARAM_TEXT("0190A0A0-0000-7000-8000-000000000001"),
                 PARAM_INT(INT16_MIN)),
             &err),
        &err);
    arena_init(&arena, 4096);
    assert_int_equal(store_result_rows(result), 1);
    assert_int_equal(store_result_affected(result), 1);
    assert_int_equal(store_result_int(result, 0, 0), -7);
    assert_string_equal(store_result_text(result, 0, 1), "Wörter \"quoted\" \\ '");
    assert_true(store_result_double(result, 0, 2) == 0.1 + 0.2);
    assert_int_equal(store_result_time(result, 0, 3), -1);
    assert_true(store_result_bytes(result, 0, 4, &arena, &bytes, &size));
    assert_int_equal(size, sizeof body);
    assert_memory_equal(bytes, body, sizeof body);
    assert_true(store_result_bool(result, 0, 5));
    assert_string_equal(store_result_copy(result, 0, 6, &arena), "0190a0a0-0000-7000-8000-000000000001");
    assert_int_equal(store_result_int(result, 0, 7), INT16_MIN);
    assert_true(store_result_bool(result, 0, 8) && store_result_bool(result, 0, 9));
    arena_done(&arena);
}

static void nulls_are_nulls_whatever_came_before(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    const char *sql = "SELECT $1::float8, $2::timestamptz, $3::bytea, $4::int, $5::text";
    const struct store_param nulls[] = { PARAM_NULL, PARAM_NULL, PARAM_NULL, PARAM_NULL, PARAM_TEXT(NULL) };
    const struct store_param values[] = { PARAM_DOUBLE(2.5), PARAM_TIME(1), PARAM_BYTES("", 0), PARAM_INT(1),
        PARAM_TEXT("") };
    for (int round = 0; round < 4; round++) {
        AUTO(store_result) result = NULL;
        bool is_null = round % 2 == 0;
        must(store_query(session, &result, sql, is_null ? nulls : values, 5, &err), &err);
        for (size_t column = 0; column < 5; column++)
            assert_int_equal(store_result_is_null(result, 0, column), is_null);
        assert_true(store_result_double(result, 0, 0) == (is_null ? 0 : 2.5));
        assert_int_equal(store_result_time(result, 0, 1), is_null ? 0 : 1);
        assert_int_equal(store_result_text(result, 0, 4) == NULL, is_null);
        assert_int_equal(store_result_int(result, 0, 3), is_null ? 0 : 1);
        assert_false(is_null && store_result_bool(result, 0, 3));
    }
}

static void arrays_of_every_kind_go_as_one_parameter(void **state)
{
    (void)state;
    struct err err = { 0 };
    const int32_t int4s[] = { INT32_MIN, 0, INT32_MAX };
    const int64_t int8s[] = { INT64_MIN, -1, INT64_MAX };
    const double doubles[] = { -0.0, 1.0 / 3, INFINITY };
    const int64_t times[] = { 0, 1795507200000000, 946684800000001 };
    const char *const texts[] = { "", NULL, "ä,{}\"NULL" };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    AUTO(store_result) result = NULL;
    must(store_query(session, &result, "SELECT * FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY",
             PARAMS(PARAM_INT4S(int4s, 3), PARAM_INT8S(int8s, 3), PARAM_DOUBLES(doubles, 3), PARAM_TIMES(times, 3),
                 PARAM_TEXTS(texts, 3)),
             &err),
        &err);
    assert_int_equal(store_result_rows(result), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(store_result_int(result, i, 0), int4s[i]);
        assert_true(store_result_int(result, i, 1) == int8s[i]);
        assert_true(store_result_double(result, i, 2) == doubles[i]);
        assert_int_equal(store_result_time(result, i, 3), times[i]);
        assert_int_equal(store_result_is_null(result, i, 4), texts[i] == NULL);
        if (texts[i])
            assert_string_equal(store_result_text(result, i, 4), texts[i]);
    }
}

static void empty_arrays_are_arrays(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    AUTO(store_result) result = NULL;
    must(store_query(session, &result, "SELECT cardinality($1), cardinality($2), 1 = ANY($3::int8[])",
             PARAMS(PARAM_INT4S(NULL, 0), PARAM_TEXTS(NULL, 0), PARAM_INT8S(NULL, 0)), &err),
        &err);
    assert_int_equal(store_result_int(result, 0, 0), 0);
    assert_int_equal(store_result_int(result, 0, 1), 0);
    assert_false(store_result_bool(result, 0, 2));
}

static void doubles_read_back_bit_by_bit(void **state)
{
    (void)state;
    struct err err = { 0 };
    const double values[] = { 5e-324, 1.7976931348623157e308, 0.1, 1e23, -123456.789012345678, 3.0000000000000004, NAN,
        -INFINITY };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        AUTO(store_result) result = NULL;
        must(store_query(session, &result, "SELECT $1::float8", PARAMS(PARAM_DOUBLE(values[i])), &err), &err);
        double back = store_result_double(result, 0, 0);
        assert_true(memcmp(&back, &values[i], sizeof back) == 0 || (isnan(back) && isnan(values[i])));
    }
}

static void times_beyond_our_calendar_saturate(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    AUTO(store_result) result = NULL;
    must(store_query(session, &result,
             "SELECT 'infinity'::timestamptz, '-infinity'::timestamptz, '0044-03-15 BC'::timestamptz, "
             "'12026-01-01Z'::timestamptz, '9999-12-31T23:59:59.999999Z'::timestamptz",
             NO_PARAMS, &err),
        &err);
    assert_true(store_result_time(result, 0, 0) == INT64_MAX);
    assert_true(store_result_time(result, 0, 1) == INT64_MIN);
    assert_true(store_result_time(result, 0, 2) == INT64_MIN);
    assert_true(store_result_time(result, 0, 3) == INT64_MAX);
    assert_true(store_result_time(result, 0, 4) == INT64_C(253402300799999999));
}

static void bytes_that_are_none_or_too_many_are_refused(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct arena arena;
    unsigned char *bytes;
    size_t size;
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    AUTO(store_result) result = NULL;
    must(store_query(session, &result, "SELECT 'text', NULL::bytea, decode(repeat('00', 100), 'hex')", NO_PARAMS, &err),
        &err);
    arena_init(&arena, 50);
    for (size_t column = 0; column < 3; column++)
        assert_false(store_result_bytes(result, 0, column, &arena, &bytes, &size));
    arena_done(&arena);
}

/* ---- errors -------------------------------------------------------------------------------------------------------
 */
static void errors_have_a_kind_a_constraint_and_no_values(void **state)
{
    (void)state;
    static const struct {
        const char *what, *sql;
        struct store_param param;
        enum err_kind kind;
        const char *constraint;
    } cases[] = {
        { "unique", "INSERT INTO thing (id) VALUES (1), ($1)", { .type = STORE_INT, .number = 1 }, ERR_CONFLICT,
            "thing_pkey" },
        { "foreign key", "INSERT INTO part VALUES (1, $1)", { .type = STORE_INT, .number = 4711 }, ERR_CONFLICT,
            "part_thing" },
        { "check", "INSERT INTO thing (id, ratio) VALUES (4, $1)", { .type = STORE_DOUBLE, .real = 4711 }, ERR_INPUT,
            "thing_ratio" },
        { "not null", "INSERT INTO thing (id) VALUES ($1)", { .type = STORE_NULL }, ERR_INPUT, "" },
        { "cast", "SELECT $1::int", { .type = STORE_TEXT, .data = "4711\"x", .size = 6 }, ERR_INPUT, "" },
        { "uuid", "SELECT $1::uuid", { .type = STORE_TEXT, .data = "4711", .size = 4 }, ERR_INPUT, "" },
        { "range", "SELECT $1::int2", { .type = STORE_INT, .number = 4711471147114711 }, ERR_INPUT, "" },
        { "encoding", "SELECT $1::text", { .type = STORE_TEXT, .data = "4711\xff", .size = 5 }, ERR_INPUT, "" },
        { "serialization", "DO $do$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $do$",
            { .type = STORE_NULL }, ERR_TRANSIENT, "" },
        { "syntax", "SELEKT $1", { .type = STORE_NULL }, ERR_BUG, "" },
        { "no table", "SELECT $1::int FROM nowhere", { .type = STORE_NULL }, ERR_BUG, "" },
        { "copy", "COPY thing TO STDOUT", { .type = STORE_NULL }, ERR_BUG, "" },
    };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        size_t count = strstr(cases[i].sql, "$1") ? 1 : 0;
        must(store_begin(session, 0, &err), &err);
        if (store_run(session, cases[i].sql, &cases[i].param, count, NULL, &err) || err.kind != cases[i].kind)
            fail_msg("%s: %s", cases[i].what, err.text);
        assert_string_equal(store_broken_constraint(session), cases[i].constraint);
        store_rollback(session);
        assert_string_equal(store_broken_constraint(session), cases[i].constraint);
        if (strstr(err.text, "4711"))
            fail_msg("%s shows the value: %s", cases[i].what, err.text);
        must(store_begin(session, 0, &err) && store_commit(session, &err), &err);
        assert_string_equal(store_broken_constraint(session), "");
    }
}

static void a_statement_that_takes_too_long_is_transient(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = NULL;
    struct store_config config = config_of(1);
    config.statement_ms = 50;
    must(store_open(&store, &config, &err), &err);
    AUTO(store_session) session = open_session(store);
    assert_false(store_run(session, "SELECT pg_sleep(3)", NO_PARAMS, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    must(store_run(session, "SELECT 1", NO_PARAMS, NULL, &err), &err);
}

static void too_many_parameters_are_our_own_mistake(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct store_param params[65];
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    for (size_t i = 0; i < 65; i++)
        params[i] = PARAM_INT(1);
    assert_false(store_run(session, "SELECT 1", params, 65, NULL, &err));
    assert_int_equal(err.kind, ERR_BUG);
    must(store_run(session, "SELECT $1::int", params, 1, NULL, &err), &err);
    assert_false(store_run(session, "SELECT $1::int", params, 2, NULL, &err));
    assert_int_equal(err.kind, ERR_BUG);
}

/* ---- transactions
 * ---------------------------------------------------------------------------------------------------- */
static int64_t count_of(struct store_session *session, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_result) result = NULL;
    must(store_query(session, &result, sql, NO_PARAMS, &err), &err);
    return store_result_int(result, 0, 0);
}

static void a_transaction_knows_its_tenant_and_forgets_it(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    const char *sql = "SELECT nullif(current_setting('nwims.tenant_id', true), '')::int";
    must(store_begin(session, 42, &err), &err);
    assert_int_equal(count_of(session, sql), 42);
    must(store_commit(session, &err), &err);
    assert_int_equal(count_of(session, sql), 0);
    must(store_begin(session, 0, &err), &err);
    assert_int_equal(count_of(session, sql), 0);
    assert_false(store_begin(session, 1, &err));
    assert_int_equal(err.kind, ERR_BUG);
    store_rollback(session);
    assert_false(store_commit(session, &err));
    assert_int_equal(err.kind, ERR_BUG);
}

static void what_was_not_committed_is_gone(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t affected = 0;
    AUTO(store) store = open_store(1);
    struct store_session *session = open_session(store);
    must(store_begin(session, 0, &err), &err);
    must(store_run(session, "INSERT INTO part (id) VALUES (100), (101)", NO_PARAMS, &affected, &err), &err);
    assert_int_equal(affected, 2);
    store_session_close(session);
    session = open_session(store);
    assert_int_equal(count_of(session, "SELECT count(*) FROM part WHERE id >= 100"), 0);
    store_session_close(session);
}

static void a_commit_after_a_failure_is_an_error(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    must(store_begin(session, 0, &err), &err);
    assert_false(store_run(session, "SELECT 1 / 0", NO_PARAMS, NULL, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(store_commit(session, &err));
    assert_int_equal(err.kind, ERR_BUG);
    must(store_begin(session, 0, &err), &err);
    must(store_commit(session, &err), &err);
}

static void a_script_must_not_copy(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    assert_false(store_script(session, "COPY thing FROM STDIN", &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_false(store_script(session, "COPY thing TO STDOUT", &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_false(
        store_run(session, "SELECT 1", NO_PARAMS, NULL, &err)); /* reading it all is dearer than a new connection */
    assert_int_equal(err.kind, ERR_TRANSIENT);
    must(store_begin(session, 0, &err), &err);
}

/* ---- prepared statements
 * -------------------------------------------------------------------------------------------------- */
static void statements_are_prepared_once_and_bounded(void **state)
{
    (void)state;
    struct err err = { 0 };
    char sql[64];
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    for (int i = 0; i < 300; i++) {
        snprintf(sql, sizeof sql, "SELECT %d + $1::int", i % 150);
        must(store_run(session, sql, PARAMS(PARAM_INT(i)), NULL, &err), &err);
        must(store_run(session, "SELECT $1::text", PARAMS(PARAM_TEXT("always used")), NULL, &err), &err);
    }
    assert_int_equal(count_of(session, "SELECT count(*) FROM pg_prepared_statements"), 128);
    assert_int_equal(
        count_of(
            session, "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::text' AND name = 's2'"),
        1);
}

static void a_changed_table_heals_at_the_next_try(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    must(store_script(session, "CREATE TABLE changing (a int)", &err), &err);
    assert_int_equal(count_of(session, "SELECT count(c.*) FROM (SELECT * FROM changing) c"), 0);
    must(store_run(session, "SELECT * FROM changing", NO_PARAMS, NULL, &err), &err);
    must(store_script(session, "ALTER TABLE changing ADD b text", &err), &err);
    assert_false(store_run(session, "SELECT * FROM changing", NO_PARAMS, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    must(store_run(session, "SELECT * FROM changing", NO_PARAMS, NULL, &err), &err);
    must(store_script(session, "DEALLOCATE ALL", &err), &err); /* what a pooler does to us */
    assert_false(store_run(session, "SELECT * FROM changing", NO_PARAMS, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    must(store_run(session, "SELECT * FROM changing", NO_PARAMS, NULL, &err), &err);
}

static void without_preparing_all_works_the_same(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = NULL;
    struct store_config config = config_of(1);
    config.prepare = false;
    config.schema = "pg_temp";
    config.statement_ms = 1234;
    must(store_open(&store, &config, &err), &err);
    AUTO(store_session) session = open_session(store);
    AUTO(store_result) result = NULL;
    must(store_begin(session, 5, &err), &err);
    must(store_query(session, &result,
             "SELECT count(*), $1::float8, current_setting('search_path'), current_setting('statement_timeout'), "
             "current_setting('TimeZone') FROM pg_prepared_statements",
             PARAMS(PARAM_DOUBLE(0.1)), &err),
        &err);
    assert_int_equal(store_result_int(result, 0, 0), 0);
    assert_true(store_result_double(result, 0, 1) == 0.1);
    assert_string_equal(store_result_text(result, 0, 2), "pg_temp");
    assert_string_equal(store_result_text(result, 0, 3), "1234ms");
    assert_string_equal(store_result_text(result, 0, 4), "UTC");
    must(store_commit(session, &err), &err);
}

static void a_session_has_our_settings(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(1);
    AUTO(store_session) session = open_session(store);
    AUTO(store_result) result = NULL;
    must(store_query(session, &result,
             "SELECT current_setting('application_name'), current_setting('search_path'), current_setting('TimeZone'), "
             "current_setting('client_encoding'), current_setting('statement_timeout')",
             NO_PARAMS, &err),
        &err);
    static const char *const expected[] = { "store-test", "public", "UTC", "UTF8", "5s" };
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_string_equal(store_result_text(result, 0, i), expected[i]);
}

/* ---- the pool
 * ----------------------------------------------------------------------------------------------------------------- */
static void the_pool_has_a_ceiling(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(2);
    struct store_session *first = open_session(store), *second = open_session(store), *third = NULL;
    int64_t begin_us = clock_monotonic_us();
    assert_false(store_session_open(&third, store, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_in_range((clock_monotonic_us() - begin_us) / 1000, 190, 2000);
    assert_false(store_ping(store, &err));
    store_session_close(second);
    must(store_session_open(&third, store, &err), &err);
    store_session_close(third);
    store_session_close(first);
}

struct race {
    struct store *store;
    int64_t failures;
};

static void *borrow_again_and_again(void *context)
{
    struct race *race = context;
    struct err err = { 0 };
    for (int i = 0; i < 50; i++) {
        AUTO(store_session) session = NULL;
        AUTO(store_result) result = NULL;
        if (!store_session_open(&session, race->store, &err) || !store_begin(session, i, &err) ||
            !store_query(session, &result, "SELECT current_setting('nwims.tenant_id')::int", NO_PARAMS, &err) ||
            store_result_int(result, 0, 0) != i)
            __atomic_add_fetch(&race->failures, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void many_threads_share_few_sessions(void **state)
{
    (void)state;
    struct err err = { 0 };
    pthread_t threads[8];
    struct race race = { 0 };
    struct store_config config = config_of(2);
    config.wait_ms = 5000;
    must(store_open(&race.store, &config, &err), &err);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, borrow_again_and_again, &race), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(race.failures, 0);
    AUTO(store_session) session = open_session(race.store);
    assert_in_range(
        count_of(session, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'store-test'"), 1, 2);
    store_session_close(TAKE(session));
    store_close(race.store);
}

/* ---- locks
 * -------------------------------------------------------------------------------------------------------------------
 */
static void a_named_lock_is_held_by_one_transaction(void **state)
{
    (void)state;
    struct err err = { 0 };
    bool is_mine = false;
    AUTO(store) store = open_store(2);
    AUTO(store_session) first = open_session(store);
    AUTO(store_session) second = open_session(store);
    must(store_begin(first, 0, &err) && store_begin(second, 0, &err), &err);
    must(store_lock(first, "rollup", &err), &err);
    must(store_try_lock(second, "rollup", &is_mine, &err), &err);
    assert_false(is_mine);
    must(store_try_lock(second, "other", &is_mine, &err), &err);
    assert_true(is_mine);
    store_rollback(first);
    must(store_try_lock(second, "rollup", &is_mine, &err), &err);
    assert_true(is_mine);
}

/* ---- connecting and losing the connection
 * ------------------------------------------------------------------------------------- */
static void a_refused_connection_tells_away_from_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *what, *url; /* %d: the port */
        const char *schema;
        enum err_kind kind;
    } cases[] = {
        { "nobody listens", "postgresql://postgres@127.0.0.1:1/postgres", "public", ERR_TRANSIENT },
        { "no such database", "postgresql://postgres@127.0.0.1:%d/nowhere", "public", ERR_CONFIG },
        { "no such role", "postgresql://nobody_here@127.0.0.1:%d/postgres", "public", ERR_CONFIG },
        { "not a URL", "postgresql://postgres:hun@ter2@127.0.0.1:%d?secret=hunter2", "public", ERR_CONFIG },
        { "not a port", "postgresql://postgres:x@127.0.0.1:hunter2/postgres", "public", ERR_CONFIG },
        { "bad schema", "postgresql://postgres@127.0.0.1:%d/postgres", "a; DROP TABLE b", ERR_CONFIG },
        { "bad option", "postgresql://postgres@127.0.0.1:%d/postgres?options=-c%20work_mem=x", "public", ERR_CONFIG },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char url[256];
        struct err err = { 0 };
        AUTO(store) store = NULL;
        struct store_config config = config_of(1);
        const char *place = strstr(cases[i].url, "%d");
        if (place)
            snprintf(url, sizeof url, "%.*s%d%s", (int)(place - cases[i].url), cases[i].url, postgres.port, place + 2);
        else
            snprintf(url, sizeof url, "%s", cases[i].url);
        config.url = url;
        config.schema = cases[i].schema;
        if (store_open(&store, &config, &err) || err.kind != cases[i].kind)
            fail_msg("%s: %s", cases[i].what, err.text);
        if (strstr(err.text, "hunter2"))
            fail_msg("%s shows a secret: %s", cases[i].what, err.text);
    }
}

static void settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = NULL;
    struct store_config config = config_of(0);
    assert_false(store_open(&store, &config, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    config = config_of(1);
    config.url = NULL;
    assert_false(store_open(&store, &config, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void a_full_server_is_transient(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct store *stores[120] = { 0 };
    size_t count = 0;
    struct store_config config = config_of(1);
    AUTO(store) keeper = open_store(1);
    AUTO(store_session) session = open_session(keeper);
    must(store_script(session, "CREATE ROLE few LOGIN CONNECTION LIMIT 1", &err), &err);
    char url[128];
    snprintf(url, sizeof url, "postgresql://few@127.0.0.1:%d/postgres", postgres.port);
    config.url = url;
    while (count < 3 && store_open(&stores[count], &config, &err))
        count++;
    assert_int_equal(count, 1);
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_close(stores[0]);
}

static void a_killed_session_is_replaced(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(2);
    struct store_session *victim = open_session(store);
    AUTO(store_session) killer = open_session(store);
    must(store_begin(victim, 0, &err), &err);
    int64_t pid = count_of(victim, "SELECT pg_backend_pid()");
    must(store_run(killer, "SELECT pg_terminate_backend($1::int, 1000)", PARAMS(PARAM_INT(pid)), NULL, &err), &err);
    assert_false(store_run(victim, "SELECT 1", NO_PARAMS, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(store_run(victim, "SELECT 1", NO_PARAMS, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(store_commit(victim, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_rollback(victim);
    must(store_begin(victim, 0, &err), &err); /* connects anew */
    assert_int_not_equal(count_of(victim, "SELECT pg_backend_pid()"), pid);
    store_session_close(victim);
}

static void a_session_that_died_while_idle_is_never_seen(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(2);
    struct store_session *victim = open_session(store);
    AUTO(store_session) killer = open_session(store);
    int64_t pid = count_of(victim, "SELECT pg_backend_pid()");
    store_session_close(victim);
    must(store_run(killer, "SELECT pg_terminate_backend($1::int, 1000)", PARAMS(PARAM_INT(pid)), NULL, &err), &err);
    victim = open_session(store);
    assert_int_not_equal(count_of(victim, "SELECT pg_backend_pid()"), pid);
    store_session_close(victim);
}

static void a_killed_server_is_transient_and_heals(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store) store = open_store(2);
    struct store_session *session = open_session(store);
    must(store_begin(session, 0, &err), &err);
    test_process_end(postgres.pid, SIGKILL);
    clock_sleep_ms(200); /* its children notice */
    assert_false(store_run(session, "SELECT 1", NO_PARAMS, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_session_close(session);
    session = NULL;
    assert_false(store_session_open(&session, store, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(store_ping(store, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    test_postgres_restart(&postgres);
    must(store_ping(store, &err), &err);
    session = open_session(store);
    assert_int_equal(count_of(session, "SELECT 1"), 1);
    store_session_close(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_reads_back_as_it_was),
        cmocka_unit_test(nulls_are_nulls_whatever_came_before),
        cmocka_unit_test(arrays_of_every_kind_go_as_one_parameter),
        cmocka_unit_test(empty_arrays_are_arrays),
        cmocka_unit_test(doubles_read_back_bit_by_bit),
        cmocka_unit_test(times_beyond_our_calendar_saturate),
        cmocka_unit_test(bytes_that_are_none_or_too_many_are_refused),
        cmocka_unit_test(errors_have_a_kind_a_constraint_and_no_values),
        cmocka_unit_test(a_statement_that_takes_too_long_is_transient),
        cmocka_unit_test(too_many_parameters_are_our_own_mistake),
        cmocka_unit_test(a_transaction_knows_its_tenant_and_forgets_it),
        cmocka_unit_test(what_was_not_committed_is_gone),
        cmocka_unit_test(a_commit_after_a_failure_is_an_error),
        cmocka_unit_test(a_script_must_not_copy),
        cmocka_unit_test(statements_are_prepared_once_and_bounded),
        cmocka_unit_test(a_changed_table_heals_at_the_next_try),
        cmocka_unit_test(without_preparing_all_works_the_same),
        cmocka_unit_test(a_session_has_our_settings),
        cmocka_unit_test(the_pool_has_a_ceiling),
        cmocka_unit_test(many_threads_share_few_sessions),
        cmocka_unit_test(a_named_lock_is_held_by_one_transaction),
        cmocka_unit_test(a_refused_connection_tells_away_from_wrong),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(a_full_server_is_transient),
        cmocka_unit_test(a_killed_session_is_replaced),
        cmocka_unit_test(a_session_that_died_while_idle_is_never_seen),
        cmocka_unit_test(a_killed_server_is_transient_and_heals),
    };
    return cmocka_run_group_tests(tests, start_postgres, NULL);
}
