/* The transactional outbox on a real PostgreSQL; publishing is recorded here. */
#include "base/clock.h"
#include "store/outbox.h"
#include "tests/support/test_process.h"
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

enum { MOST_PUBLISHED = 2000 };
struct recorder {
    int numbers[MOST_PUBLISHED];
    char ids[MOST_PUBLISHED][40];
    size_t count;
    size_t fails_at; /* 0: never */
    size_t kills_at; /* the server, after publishing */
    struct store *rival;
    size_t rival_published;
};

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static struct store_session *open_session(void)
{
    struct err err = { 0 };
    struct store_session *session = NULL;
    must(store_session_open(&session, store, &err), &err);
    return session;
}

static struct store *open_store(void)
{
    struct err err = { 0 };
    struct store *opened = NULL;
    struct store_config config = { .url = postgres.url,
        .schema = "demo",
        .name = "outbox-test",
        .pool_size = 2,
        .wait_ms = 1000,
        .statement_ms = 10000,
        .prepare = true };
    must(store_open(&opened, &config, &err), &err);
    return opened;
}

static int start(void **state)
{
    (void)state;
    struct err err = { 0 };
    test_postgres_start(&postgres);
    store = open_store();
    AUTO(store_session) session = open_session();
    must(store_script(session,
             "CREATE SCHEMA demo; CREATE TABLE demo.outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
             "message_id uuid "
             "NOT NULL, subject text NOT NULL, payload bytea NOT NULL, traceparent text, created_at timestamptz NOT "
             "NULL "
             "DEFAULT now())",
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

static int empty(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(store_session) session = open_session();
    must(store_script(session, "TRUNCATE outbox", &err), &err);
    return 0;
}

static void put_numbers(int from, int to)
{
    struct err err = { 0 };
    AUTO(store_session) session = open_session();
    must(store_begin(session, 1, &err), &err);
    for (int number = from; number < to; number++)
        must(outbox_put(session, "events.1.thing", &number, sizeof number, number % 2 ? "00-ab-cd-01" : NULL, &err),
            &err);
    must(store_commit(session, &err), &err);
}

static int64_t left_over(void)
{
    struct err err = { 0 };
    AUTO(store_session) session = open_session();
    AUTO(store_result) result = NULL;
    must(store_query(session, &result, "SELECT count(*) FROM outbox", NO_PARAMS, &err), &err);
    return store_result_int(result, 0, 0);
}

static bool refuse_all(void *context, const char *subject, const void *payload, size_t size, const char *message_id,
    const char *traceparent, struct err *err)
{
    (void)context, (void)subject, (void)payload, (void)size, (void)message_id, (void)traceparent;
    return err_set(err, ERR_BUG, "this one must not be asked");
}

static bool record(void *context, const char *subject, const void *payload, size_t size, const char *message_id,
    const char *traceparent, struct err *err)
{
    struct recorder *recorder = context;
    assert_string_equal(subject, "events.1.thing");
    assert_int_equal(size, sizeof(int));
    if (recorder->fails_at && recorder->count + 1 == recorder->fails_at)
        return err_set(err, ERR_TRANSIENT, "the bus is away");
    int *number = &recorder->numbers[recorder->count];
    memcpy(number, payload, sizeof *number);
    snprintf(recorder->ids[recorder->count], sizeof recorder->ids[0], "%s", message_id);
    assert_int_equal(traceparent != NULL, *number % 2);
    recorder->count++;
    if (recorder->rival) {
        struct err ignored = { 0 };
        must(outbox_drain(recorder->rival, 10, refuse_all, NULL, &recorder->rival_published, &ignored), &ignored);
    }
    if (recorder->kills_at && recorder->count == recorder->kills_at) {
        test_process_end(postgres.pid, SIGKILL);
        clock_sleep_ms(200);
    }
    return true;
}

static void messages_come_out_in_order_and_once(void **state)
{
    (void)state;
    struct err err = { 0 };
    static struct recorder recorder;
    size_t published = 0;
    memset(&recorder, 0, sizeof recorder);
    put_numbers(0, 300);
    put_numbers(300, 500);
    must(outbox_drain(store, 450, record, &recorder, &published, &err), &err);
    assert_int_equal(published, 450);
    assert_int_equal(left_over(), 50);
    must(outbox_drain(store, 1000, record, &recorder, &published, &err), &err);
    assert_int_equal(published, 50);
    must(outbox_drain(store, 1000, record, &recorder, &published, &err), &err);
    assert_int_equal(published, 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(recorder.numbers[i], i);
    assert_int_equal(strlen(recorder.ids[0]), 36);
    assert_string_not_equal(recorder.ids[0], recorder.ids[1]);
}

static void what_was_rolled_back_is_never_published(void **state)
{
    (void)state;
    struct err err = { 0 };
    static struct recorder recorder;
    size_t published = 1;
    memset(&recorder, 0, sizeof recorder);
    struct store_session *session = open_session();
    must(store_begin(session, 1, &err) && outbox_put(session, "events.1.thing", "1234", 4, NULL, &err), &err);
    store_session_close(session);
    must(outbox_drain(store, 10, record, &recorder, &published, &err), &err);
    assert_int_equal(published, 0);
}

static void a_failure_stops_and_keeps_the_rest(void **state)
{
    (void)state;
    struct err err = { 0 };
    static struct recorder recorder;
    size_t published = 0;
    memset(&recorder, 0, sizeof recorder);
    recorder.fails_at = 4;
    put_numbers(0, 10);
    assert_false(outbox_drain(store, 100, record, &recorder, &published, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_string_equal(err.text, "the bus is away");
    assert_int_equal(published, 3);
    assert_int_equal(left_over(), 7);
    recorder.fails_at = 0;
    must(outbox_drain(store, 100, record, &recorder, &published, &err), &err);
    assert_int_equal(published, 7);
    for (int i = 0; i < 10; i++)
        assert_int_equal(recorder.numbers[i], i);
}

static void only_one_replica_at_a_time_publishes(void **state)
{
    (void)state;
    struct err err = { 0 };
    static struct recorder recorder;
    size_t published = 0;
    memset(&recorder, 0, sizeof recorder);
    AUTO(store) rival = open_store();
    recorder.rival = rival;
    put_numbers(0, 3);
    must(outbox_drain(store, 100, record, &recorder, &published, &err), &err);
    assert_int_equal(published, 3);
    assert_int_equal(recorder.rival_published, 0);
}

static void a_server_that_dies_before_the_deletion_means_the_same_ids_again(void **state)
{
    (void)state;
    struct err err = { 0 };
    static struct recorder before, after;
    size_t published = 9;
    memset(&before, 0, sizeof before);
    memset(&after, 0, sizeof after);
    before.kills_at = 2;
    put_numbers(0, 4);
    assert_false(outbox_drain(store, 100, record, &before, &published, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_int_equal(published, 0);
    test_postgres_restart(&postgres);
    must(outbox_drain(store, 100, record, &after, &published, &err), &err);
    assert_int_equal(published, 4);
    assert_string_equal(before.ids[0], after.ids[0]);
    assert_string_equal(before.ids[1], after.ids[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(messages_come_out_in_order_and_once, empty),
        cmocka_unit_test_setup(what_was_rolled_back_is_never_published, empty),
        cmocka_unit_test_setup(a_failure_stops_and_keeps_the_rest, empty),
        cmocka_unit_test_setup(only_one_replica_at_a_time_publishes, empty),
        cmocka_unit_test_setup(a_server_that_dies_before_the_deletion_means_the_same_ids_again, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
