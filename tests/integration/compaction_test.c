/* batch-writer's compactor on a real database: an index that sensors in turn have left half empty is built anew. */
#include "tests/integration/telemetry_stack.h"

enum { SENSORS = 200, TURNS = 120 };

static struct stack stack;
static const char *const never[] = { "COMPACT_AFTER_MS=0", "LINGER_MS=0", NULL };
static const char *const soon[] = { "COMPACT_AFTER_MS=400", NULL };

/* Each test has a week of its own, and so a partition. */
static int64_t week(int number)
{
    return INT64_C(1577923200000000) + number * 70 * STACK_DAY_US;
}

/* One reading of each sensor, as a round of theirs brings it. */
static struct answer send_turn(int32_t tenant_id, int64_t start, int turn)
{
    struct row rows[SENSORS];
    for (int i = 0; i < SENSORS; i++)
        rows[i] = (struct row){ tenant_id * 1000 + i, start + turn * INT64_C(60000000), turn + i / 1000.0, 0, 0 };
    return stack_send(&stack, tenant_id, rows, SENSORS, false);
}

static void send_turns(int32_t tenant_id, int64_t start)
{
    for (int turn = 0; turn < TURNS; turn++)
        assert_int_equal(send_turn(tenant_id, start, turn).stored, SENSORS);
}

/* The name of the tenant's partition goes into the statement for %s. */
static int64_t ask(int32_t tenant_id, const char *statement)
{
    char sql[1024];
    snprintf(sql, sizeof sql,
        "WITH p AS (SELECT tableoid AS oid FROM telemetry.reading WHERE tenant_id = %" PRId32
        " LIMIT 1) SELECT (%s) FROM p",
        tenant_id, statement);
    return stack_number(stack.owner, sql);
}

static int64_t index_percent(int32_t tenant_id)
{
    return ask(tenant_id, "pg_indexes_size(p.oid) * 100 / pg_relation_size(p.oid)");
}

static int64_t invalid_indexes(void)
{
    return stack_number(stack.owner, "SELECT count(*) FROM pg_index WHERE NOT indisvalid");
}

static void wait_until_compact(int32_t tenant_id)
{
    int64_t end = clock_monotonic_us() + INT64_C(30000000);
    while (index_percent(tenant_id) > 50 || invalid_indexes() > 0) {
        if (clock_monotonic_us() > end)
            fail_msg("the index takes %" PRId64 " %% of the rows' room", index_percent(tenant_id));
        clock_sleep_ms(50);
    }
}

static void an_index_that_is_loose_is_built_anew_once_its_partition_is_quiet(void **state)
{
    (void)state;
    pid_t writer = stack_writer(&stack, never);
    send_turns(1, week(1));
    assert_in_range(index_percent(1), 65, 100);
    test_process_end(writer, SIGTERM);
    writer = stack_writer(&stack, soon);
    wait_until_compact(1);
    /* It is still the key: nothing is lost and nothing is taken twice. */
    for (int turn = 0; turn < TURNS; turn++)
        assert_int_equal(send_turn(1, week(1), turn).duplicate, SENSORS);
    assert_int_equal(send_turn(1, week(1), TURNS).stored, SENSORS);
    assert_int_equal(
        stack_number(stack.owner, "SELECT count(*) FROM telemetry.reading WHERE tenant_id = 1"), SENSORS * (TURNS + 1));
    assert_int_equal(ask(1, "SELECT count(*) FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid "
                            "WHERE i.indrelid = p.oid AND i.indisunique AND i.indisvalid AND i.indisready"),
        1);
    test_process_end(writer, SIGTERM);
}

static void a_partition_that_grows_is_left_alone(void **state)
{
    (void)state;
    static const char *const later[] = { "COMPACT_AFTER_MS=2000", "LINGER_MS=0", NULL };
    pid_t writer = stack_writer(&stack, later);
    send_turns(2, week(2));
    int64_t node =
        ask(2, "SELECT relfilenode FROM pg_class c JOIN pg_index i ON c.oid = i.indexrelid WHERE i.indrelid = p.oid");
    /* Two rounds fill a page or more of rows between any two looks. */
    for (int turn = TURNS; turn < TURNS + 40; turn++) {
        send_turn(2, week(2), turn);
        clock_sleep_ms(100);
    }
    assert_int_equal(
        ask(2, "SELECT relfilenode FROM pg_class c JOIN pg_index i ON c.oid = i.indexrelid WHERE i.indrelid = p.oid"),
        node);
    wait_until_compact(2);
    test_process_end(writer, SIGTERM);
}

/* ---- cut short: a reader of the partition holds the rebuild up while this transaction is open ---- */

static struct store_session *hold_partition(int32_t tenant_id)
{
    struct err err = { 0 };
    struct store_session *session = NULL;
    must(store_session_open(&session, stack.owner, &err) && store_begin(session, 0, &err) &&
             store_run(session, "SELECT 1 FROM telemetry.reading WHERE tenant_id = $1::int4 LIMIT 1",
                 PARAMS(PARAM_INT(tenant_id)), NULL, &err),
        &err);
    return session;
}

#define REBUILDING "FROM pg_stat_activity WHERE query LIKE 'REINDEX%' AND state = 'active'"

/* A writer whose compactor is at the tenant's partition and goes no further. */
static pid_t start_held_rebuild(int32_t tenant_id, struct store_session **out_held)
{
    pid_t writer = stack_writer(&stack, never);
    send_turns(tenant_id, week(tenant_id));
    test_process_end(writer, SIGTERM);
    *out_held = hold_partition(tenant_id);
    writer = stack_writer(&stack, soon);
    stack_wait_for(stack.owner, "SELECT least(count(*), 1) " REBUILDING, 1);
    return writer;
}

static void a_rebuild_that_died_is_cleared_away_and_done_again(void **state)
{
    (void)state;
    struct store_session *held;
    pid_t writer = start_held_rebuild(3, &held);
    stack_wait_for(stack.owner, "SELECT count(*) FROM pg_index WHERE NOT indisvalid", 1);
    /* Whoever writes meanwhile is not held up. */
    assert_int_equal(send_turn(3, week(3), TURNS).stored, SENSORS);
    stack_script(stack.owner, "SELECT pg_terminate_backend(pid) " REBUILDING);
    stack_wait_for(stack.owner, "SELECT count(*) " REBUILDING, 0);
    assert_int_equal(invalid_indexes(), 1);
    store_session_close(held);
    wait_until_compact(3);
    test_process_end(writer, SIGTERM);
}

static void a_writer_that_is_told_to_stop_does_not_wait_for_a_rebuild(void **state)
{
    (void)state;
    struct store_session *held;
    pid_t writer = start_held_rebuild(4, &held);
    int64_t began_us = clock_monotonic_us();
    test_process_end(writer, SIGTERM);
    assert_in_range(clock_monotonic_us() - began_us, 0, INT64_C(10000000));
    stack_wait_for(stack.owner, "SELECT count(*) " REBUILDING, 0);
    store_session_close(held);
}

static int start(void **state)
{
    (void)state;
    stack_start(&stack);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stack_stop(&stack);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_that_is_loose_is_built_anew_once_its_partition_is_quiet),
        cmocka_unit_test(a_partition_that_grows_is_left_alone),
        cmocka_unit_test(a_rebuild_that_died_is_cleared_away_and_done_again),
        cmocka_unit_test(a_writer_that_is_told_to_stop_does_not_wait_for_a_rebuild),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
