/* The COPY writer on a real PostgreSQL. */
#include "base/clock.h"
#include "store/copy_writer.h"
#include "tests/support/test_process.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_postgres postgres;
static struct store *store;

static const char readings_sql[] =
    "COPY reading (sensor_no, observed_at, value, received_at, tenant_id, status, flags) FROM STDIN (FORMAT binary)";
static const char every_sql[] = "COPY every_type (small, number, large, ratio, at, name) FROM STDIN (FORMAT binary)";

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static void connect_store(void)
{
    struct err err = { 0 };
    struct store_config config = { .url = postgres.url,
        .schema = "public",
        .name = "copy-writer-test",
        .pool_size = 2,
        .wait_ms = 1000,
        .statement_ms = 10000,
        .prepare = true };
    must(store_open(&store, &config, &err), &err);
}

static int start(void **state)
{
    (void)state;
    struct err err = { 0 };
    test_postgres_start(&postgres);
    connect_store();
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, store, &err), &err);
    must(store_script(session,
             "CREATE TABLE reading (sensor_no int4, observed_at timestamptz, value float8, received_at timestamptz, "
             "tenant_id int4, status int4, flags int2, PRIMARY KEY (sensor_no, observed_at));"
             "CREATE TABLE every_type (small int2, number int4, large int8, ratio float8, at timestamptz, name text)",
             &err),
        &err);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    store_close(store);
    return 0;
}

static struct store_session *begin(void)
{
    struct err err = { 0 };
    struct store_session *session = NULL;
    must(store_session_open(&session, store, &err) && store_begin(session, 0, &err), &err);
    return session;
}

static int64_t count_of(struct store_session *session, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_result) result = NULL;
    must(store_query(session, &result, sql, NO_PARAMS, &err), &err);
    return store_result_int(result, 0, 0);
}

static void put_reading(struct copy_writer *writer, int32_t sensor_no, int64_t observed_at)
{
    copy_writer_begin_row(writer, 7);
    copy_writer_put_int4(writer, sensor_no);
    copy_writer_put_time(writer, observed_at);
    copy_writer_put_double(writer, 3.5);
    copy_writer_put_time(writer, observed_at + 1000);
    copy_writer_put_int4(writer, 1);
    copy_writer_put_int4(writer, 0);
    copy_writer_put_int2(writer, 0);
}

static void every_type_is_stored_as_it_was(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t rows = 0;
    AUTO(store_session) session = begin();
    AUTO(copy_writer) writer = NULL;
    AUTO(store_result) result = NULL;
    must(copy_writer_open(&writer, session, every_sql, &err), &err);
    copy_writer_begin_row(writer, 6);
    copy_writer_put_int2(writer, INT16_MIN);
    copy_writer_put_int4(writer, INT32_MIN);
    copy_writer_put_int8(writer, INT64_MIN);
    copy_writer_put_double(writer, -0.1);
    copy_writer_put_time(writer, -62135596800000000); /* 0001-01-01 */
    copy_writer_put_text(writer, "Grüße \"\\N\"\t");
    copy_writer_begin_row(writer, 6);
    for (int i = 0; i < 5; i++)
        copy_writer_put_null(writer);
    copy_writer_put_text(writer, NULL);
    must(copy_writer_finish(writer, &rows, &err), &err);
    assert_int_equal(rows, 2);
    must(store_query(session, &result, "SELECT * FROM every_type ORDER BY small", NO_PARAMS, &err), &err);
    assert_int_equal(store_result_int(result, 0, 0), INT16_MIN);
    assert_int_equal(store_result_int(result, 0, 1), INT32_MIN);
    assert_true(store_result_int(result, 0, 2) == INT64_MIN);
    assert_true(store_result_double(result, 0, 3) == -0.1);
    assert_true(store_result_time(result, 0, 4) == -62135596800000000);
    assert_string_equal(store_result_text(result, 0, 5), "Grüße \"\\N\"\t");
    for (size_t column = 0; column < 6; column++)
        assert_true(store_result_is_null(result, 1, column));
}

static void rows_of_all_lengths_cross_the_pieces_unharmed(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t rows = 0;
    const size_t longest = 400 * 1000;
    char *text = malloc(longest + 1);
    assert_non_null(text);
    memset(text, 'x', longest);
    AUTO(store_session) session = begin();
    AUTO(copy_writer) writer = NULL;
    must(copy_writer_open(&writer, session, every_sql, &err), &err);
    size_t count = 0, bytes = 0;
    for (size_t length = 0; length <= longest; length = length * 5 / 4 + 1, count++) {
        text[length] = '\0';
        copy_writer_begin_row(writer, 6);
        for (int i = 0; i < 4; i++)
            copy_writer_put_null(writer);
        copy_writer_put_time(writer, 0);
        copy_writer_put_text(writer, text);
        text[length] = 'x';
        bytes += length;
    }
    free(text);
    must(copy_writer_finish(writer, &rows, &err), &err);
    assert_int_equal(rows, count);
    assert_int_equal(count_of(session, "SELECT sum(length(name)) FROM every_type WHERE at = 'epoch'"), bytes);
    assert_int_equal(
        count_of(session, "SELECT count(*) FROM every_type WHERE at = 'epoch' AND name <> repeat('x', length(name))"),
        0);
}

static void no_row_at_all_is_fine(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t rows = -1;
    AUTO(store_session) session = begin();
    AUTO(copy_writer) writer = NULL;
    must(copy_writer_open(&writer, session, readings_sql, &err), &err);
    must(copy_writer_finish(writer, &rows, &err), &err);
    assert_int_equal(rows, 0);
    assert_false(copy_writer_finish(writer, &rows, &err));
    assert_int_equal(err.kind, ERR_BUG);
}

static void a_duplicate_stores_nothing_and_leaves_the_session_usable(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t rows = -1;
    AUTO(store_session) session = begin();
    AUTO(copy_writer) writer = NULL;
    must(copy_writer_open(&writer, session, readings_sql, &err), &err);
    for (int i = 0; i < 20000; i++) /* the server fails early and reads the rest all the same */
        put_reading(writer, i < 2 ? 1 : i, 1000000);
    assert_false(copy_writer_finish(writer, &rows, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(rows, -1);
    assert_string_equal(store_broken_constraint(session), "reading_pkey");
    store_rollback(session);
    must(store_begin(session, 0, &err), &err);
    assert_int_equal(count_of(session, "SELECT count(*) FROM reading"), 0);
}

static void values_that_cannot_be_are_input_errors(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t rows;
    AUTO(store_session) session = begin();
    AUTO(copy_writer) writer = NULL;
    must(copy_writer_open(&writer, session, readings_sql, &err), &err);
    put_reading(writer, 1, INT64_MIN + 5);
    assert_false(copy_writer_finish(writer, &rows, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    store_rollback(session);
    copy_writer_close(TAKE(writer));
    must(store_begin(session, 0, &err), &err);
    must(copy_writer_open(&writer, session, every_sql, &err), &err);
    copy_writer_begin_row(writer, 6);
    for (int i = 0; i < 5; i++)
        copy_writer_put_null(writer);
    copy_writer_put_text(writer, "\xff");
    assert_false(copy_writer_finish(writer, &rows, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

static void a_writer_that_is_closed_early_abandons_its_rows(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store_session) session = begin();
    {
        AUTO(copy_writer) writer = NULL;
        must(copy_writer_open(&writer, session, readings_sql, &err), &err);
        put_reading(writer, 1, 0);
    }
    assert_false(store_run(session, "SELECT 1", NO_PARAMS, NULL, &err)); /* the transaction has failed */
    store_rollback(session);
    must(store_begin(session, 0, &err), &err);
    assert_int_equal(count_of(session, "SELECT count(*) FROM reading"), 0);
}

static void rows_of_the_wrong_width_are_our_own_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int announced, put;
    } cases[] = { { "fewer", 7, 6 }, { "more", 7, 8 }, { "none", 0, 0 }, { "too many", 1000, 0 } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        int64_t rows;
        AUTO(store_session) session = begin();
        AUTO(copy_writer) writer = NULL;
        must(copy_writer_open(&writer, session, readings_sql, &err), &err);
        copy_writer_begin_row(writer, cases[i].announced);
        for (int put = 0; put < cases[i].put; put++)
            copy_writer_put_int4(writer, put);
        if (cases[i].put > 0)
            put_reading(writer, 1, 1);
        if (copy_writer_finish(writer, &rows, &err) || err.kind != ERR_BUG)
            fail_msg("%s: %s", cases[i].what, err.text);
        store_rollback(session);
        must(store_begin(session, 0, &err), &err);
    }
}

static void only_a_copy_from_stdin_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum err_kind kind;
    } cases[] = {
        { "SELECT 1", ERR_BUG },
        { "COPY reading TO STDOUT (FORMAT binary)", ERR_BUG },
        { "COPY nowhere FROM STDIN (FORMAT binary)", ERR_BUG },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        AUTO(store_session) session = begin();
        AUTO(copy_writer) writer = NULL;
        assert_false(copy_writer_open(&writer, session, cases[i].sql, &err));
        assert_int_equal(err.kind, cases[i].kind);
        assert_null(writer);
        store_rollback(session);
        must(store_begin(session, 0, &err), &err);
    }
}

static void ten_thousand_rows_a_transaction_are_fast(void **state)
{
    (void)state;
    enum { TRANSACTIONS = 20, ROWS = 10000 };
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, store, &err), &err);
    int64_t begin_us = clock_monotonic_us();
    for (int transaction = 0; transaction < TRANSACTIONS; transaction++) {
        int64_t rows = 0;
        AUTO(copy_writer) writer = NULL;
        must(store_begin(session, 0, &err) && copy_writer_open(&writer, session, readings_sql, &err), &err);
        for (int row = 0; row < ROWS; row++)
            put_reading(writer, row, 1795507200000000 + transaction * 1000000);
        must(copy_writer_finish(writer, &rows, &err) && store_commit(session, &err), &err);
        assert_int_equal(rows, ROWS);
    }
    double seconds = (double)(clock_monotonic_us() - begin_us) / 1e6;
    print_message("%.0f rows/s in transactions of %d\n", TRANSACTIONS * ROWS / seconds, (int)ROWS);
    assert_int_equal(count_of(session, "SELECT count(*) FROM reading"), TRANSACTIONS * ROWS);
    must(store_script(session, "TRUNCATE reading", &err), &err);
    assert_true(seconds < 10);
}

static void a_killed_server_is_transient(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t rows;
    struct store_session *session = begin();
    AUTO(copy_writer) writer = NULL;
    must(copy_writer_open(&writer, session, readings_sql, &err), &err);
    put_reading(writer, 1, 1);
    test_process_end(postgres.pid, SIGKILL);
    clock_sleep_ms(300);
    for (int i = 0; i < 100000; i++)
        put_reading(writer, i, 2);
    assert_false(copy_writer_finish(writer, &rows, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    copy_writer_close(TAKE(writer));
    assert_false(copy_writer_open(&writer, session, readings_sql, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_session_close(session);
    test_postgres_restart(&postgres);
    session = begin();
    assert_int_equal(count_of(session, "SELECT count(*) FROM reading"), 0);
    store_session_close(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_stored_as_it_was),
        cmocka_unit_test(rows_of_all_lengths_cross_the_pieces_unharmed),
        cmocka_unit_test(no_row_at_all_is_fine),
        cmocka_unit_test(a_duplicate_stores_nothing_and_leaves_the_session_usable),
        cmocka_unit_test(values_that_cannot_be_are_input_errors),
        cmocka_unit_test(a_writer_that_is_closed_early_abandons_its_rows),
        cmocka_unit_test(rows_of_the_wrong_width_are_our_own_mistake),
        cmocka_unit_test(only_a_copy_from_stdin_is_taken),
        cmocka_unit_test(ten_thousand_rows_a_transaction_are_fast),
        cmocka_unit_test(a_killed_server_is_transient),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
