/* batch-writer on a real bus and database: every reading once, whatever happens meanwhile. */
#include "tests/integration/telemetry_stack.h"

static struct stack stack;

static const char *const usual[] = { "ROLLUP_MS=50", "ACK_WAIT_MS=1000", "LINGER_MS=1", NULL };

static int64_t midnight(void)
{
    return clock_now_us() / STACK_DAY_US * STACK_DAY_US;
}

static uint32_t seed = 12345;
static uint32_t any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static int by_key(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->sensor_no != b->sensor_no)
        return a->sensor_no < b->sensor_no ? -1 : 1;
    return (a->observed_at > b->observed_at) - (a->observed_at < b->observed_at);
}

/* Sorts and drops repeated keys; returns how many are left. */
static size_t unique(struct row *rows, size_t count)
{
    size_t kept = 0;
    qsort(rows, count, sizeof *rows, by_key);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || by_key(&rows[kept - 1], &rows[i]) != 0)
            rows[kept++] = rows[i];
    return kept;
}

/* The table holds exactly these rows of this tenant. */
static void expect_rows(int32_t tenant_id, const struct row *rows, size_t count)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, stack.owner, &err) &&
             store_query(session, &result,
                 "SELECT sensor_no, observed_at, value, coalesce(status, 0), coalesce(flags, 0) FROM telemetry.reading "
                 "WHERE tenant_id = $1::int4 ORDER BY sensor_no, observed_at",
                 PARAMS(PARAM_INT(tenant_id)), &err),
        &err);
    assert_int_equal(store_result_rows(result), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(store_result_int(result, i, 0), rows[i].sensor_no);
        assert_int_equal(store_result_time(result, i, 1), rows[i].observed_at);
        assert_true(store_result_double(result, i, 2) == rows[i].value);
        assert_int_equal((uint32_t)store_result_int(result, i, 3), rows[i].status);
        assert_int_equal(store_result_int(result, i, 4), rows[i].flags);
    }
}

static int64_t tenant_total(int32_t tenant_id, const char *column)
{
    char sql[160];
    snprintf(sql, sizeof sql,
        "SELECT coalesce(sum(%s), 0)::int8 FROM telemetry.protocol_day WHERE tenant_id = %" PRId32, column, tenant_id);
    return stack_number(stack.owner, sql);
}

static void a_batch_is_stored_as_sent(void **state)
{
    (void)state;
    pid_t writer = stack_writer(&stack, usual);
    struct row rows[] = {
        { 1, midnight(), 1.5, 0, 0 },
        { 1, midnight() + 1, -0.25, 0x80000000u, 3 },
        { 2, midnight() + 7, 1e308, 0x40000000u, 0 },
    };
    struct answer answer = stack_send(&stack, 11, rows, COUNT_OF(rows), true);
    assert_int_equal(answer.stored, 3);
    assert_int_equal(answer.duplicate, 0);
    expect_rows(11, rows, COUNT_OF(rows));
    assert_int_equal(
        stack_number(stack.owner, "SELECT count(*) FROM telemetry.reading WHERE tenant_id = 11 AND status IS NULL"), 1);
    assert_int_equal(tenant_total(11, "stored"), 3);
    answer = stack_send(&stack, 11, rows, COUNT_OF(rows), true);
    assert_int_equal(answer.stored, 0);
    assert_int_equal(answer.duplicate, 3);
    assert_int_equal(tenant_total(11, "duplicate"), 3);
    test_process_end(writer, SIGTERM);
}

static void a_conflict_within_one_message_keeps_the_first(void **state)
{
    (void)state;
    pid_t writer = stack_writer(&stack, usual);
    struct row rows[] = { { 5, midnight(), 1, 0, 0 }, { 5, midnight() + 1, 2, 0, 0 }, { 5, midnight(), 3, 0, 0 } };
    struct answer answer = stack_send(&stack, 12, rows, 3, false);
    assert_int_equal(answer.stored, 2);
    assert_int_equal(answer.duplicate, 1);
    expect_rows(12, rows, 2);
    test_process_end(writer, SIGTERM);
}

enum { BATCHES = 120, BATCH_ROWS = 200 };

/* Overlapping batches in random order; the value follows from the key, so it does not matter who is first. */
static size_t publish_overlapping(
    int32_t tenant_id, int32_t first_sensor, struct row *all, struct bus_expectation **expectations)
{
    struct err err = { 0 };
    for (size_t b = 0; b < BATCHES; b++) {
        struct row *rows = all + b * BATCH_ROWS;
        for (size_t i = 0; i < BATCH_ROWS; i++) {
            rows[i] = (struct row){ .sensor_no = first_sensor + (int32_t)any(20),
                .observed_at = midnight() - any(900) * INT64_C(60) * 1000000 };
            rows[i].value = (double)rows[i].sensor_no * 1000 + (double)(rows[i].observed_at / 60000000 % 1000);
        }
        if (expectations)
            must(bus_inbox_expect(&expectations[b], stack.inbox, &err), &err);
        stack_publish(&stack, tenant_id, rows, BATCH_ROWS, false, expectations ? expectations[b] : NULL);
    }
    return BATCHES * BATCH_ROWS;
}

static void two_replicas_store_overlaps_once(void **state)
{
    (void)state;
    static struct row all[BATCHES * BATCH_ROWS];
    struct bus_expectation *expectations[BATCHES];
    const char *const small[] = { "ROLLUP_MS=50", "ACK_WAIT_MS=5000", "MAX_ROWS=1000", NULL };
    pid_t left = stack_writer(&stack, small), right = stack_writer(&stack, small);
    size_t sent = publish_overlapping(13, 1300, all, expectations);
    int64_t stored = 0, duplicate = 0;
    for (size_t b = 0; b < BATCHES; b++) {
        struct answer answer = stack_answer(expectations[b]);
        assert_int_equal(answer.stored + answer.duplicate, BATCH_ROWS);
        stored += answer.stored;
        duplicate += answer.duplicate;
        bus_expectation_close(expectations[b]);
    }
    size_t kept = unique(all, sent);
    assert_int_equal(stored, kept);
    assert_int_equal(duplicate, sent - kept);
    expect_rows(13, all, kept);
    assert_int_equal(tenant_total(13, "stored"), kept);
    assert_int_equal(tenant_total(13, "duplicate"), sent - kept);
    test_process_end(left, SIGKILL);
    test_process_end(right, SIGTERM);
}

static void a_killed_writer_loses_nothing_and_repeats_nothing(void **state)
{
    (void)state;
    static struct row all[BATCHES * BATCH_ROWS];
    const char *const slow[] = { "ROLLUP_MS=50", "ACK_WAIT_MS=1000", "MAX_ROWS=600", "LINGER_MS=0", NULL };
    size_t sent = publish_overlapping(14, 1400, all, NULL);
    static const char committed[] = "SELECT count(*) FROM telemetry.committed_message WHERE tenant_id = 14";
    for (int i = 0; i < 40 && stack_number(stack.owner, committed) < BATCHES / 3; i++) {
        pid_t killed = stack_writer(&stack, slow);
        clock_sleep_ms(any(40));
        test_process_end(killed, SIGKILL);
    }
    pid_t writer = stack_writer(&stack, usual);
    stack_wait_for(stack.owner, committed, BATCHES);
    size_t kept = unique(all, sent);
    expect_rows(14, all, kept);
    assert_int_equal(tenant_total(14, "stored"), kept);
    assert_int_equal(tenant_total(14, "duplicate"), sent - kept);
    test_process_end(writer, SIGTERM);
}

/* While it is held, no writer can commit. */
static struct store_session *hold_commits(void)
{
    struct err err = { 0 };
    struct store_session *session = NULL;
    must(store_session_open(&session, stack.owner, &err) &&
             store_script(session, "SELECT pg_advisory_lock(hashtextextended('telemetry.readings', 0))", &err),
        &err);
    return session;
}

static void let_commit(struct store_session *session)
{
    struct err err = { 0 };
    must(store_script(session, "SELECT pg_advisory_unlock(hashtextextended('telemetry.readings', 0))", &err), &err);
    store_session_close(session);
}

/* How many messages the durable batch-writer has given out, each time counted. */
static int64_t given_out(void)
{
    struct err err = { 0 };
    AUTO(bus_message) reply = NULL;
    char text[2048];
    must(bus_request(stack.bus, &(struct bus_outgoing){ .subject = "$JS.API.CONSUMER.INFO.READINGS.batch-writer" },
             5000, &reply, &err),
        &err);
    snprintf(text, sizeof text, "%.*s", (int)bus_message_size(reply), (const char *)bus_message_data(reply));
    const char *at = strstr(text, "\"delivered\":{\"consumer_seq\":");
    assert_non_null(at);
    return strtoll(at + strlen("\"delivered\":{\"consumer_seq\":"), NULL, 10);
}

static void wait_until_given_out(int64_t wanted)
{
    int64_t end_us = clock_monotonic_us() + 15 * INT64_C(1000000);
    while (given_out() < wanted && clock_monotonic_us() < end_us)
        clock_sleep_ms(20);
    assert_true(given_out() >= wanted);
}

/* As set from the start, not by this test: how long a killed writer's readings wait for another. */
static void what_a_killed_writer_had_taken_is_soon_stored_by_another(void **state)
{
    (void)state;
    struct row row = { 1450, midnight(), 1, 0, 0 };
    pid_t killed = stack_writer(&stack, NULL);
    row.observed_at++;
    assert_int_equal(stack_send(&stack, 28, &row, 1, false).stored, 1);
    struct store_session *session = hold_commits();
    int64_t before = given_out();
    row.observed_at++;
    stack_publish(&stack, 28, &row, 1, false, NULL);
    wait_until_given_out(before + 1);
    test_process_end(killed, SIGKILL);
    int64_t killed_us = clock_monotonic_us();
    let_commit(session);
    pid_t writer = stack_writer(&stack, NULL);
    stack_wait_for(stack.owner, "SELECT count(*) FROM telemetry.reading WHERE sensor_no = 1450", 2);
    int64_t took_ms = (clock_monotonic_us() - killed_us) / 1000;
    print_message("a killed writer's reading was stored %" PRId64 " ms after the kill\n", took_ms);
    assert_in_range(took_ms, 0, 6000); /* ACK_WAIT_MS is 2,000 */
    test_process_end(writer, SIGTERM);
}

static void what_a_slow_writer_has_taken_is_given_to_nobody_else(void **state)
{
    (void)state;
    enum { COUNT = 400, ACK_WAIT_MS = 1000 }; /* more than are in hands: some wait in the writers' memory */
    const char *const one[] = { "WRITERS=1", "ACK_WAIT_MS=1000", "MAX_ROWS=10", NULL };
    struct row row = { 1460, midnight(), 1, 0, 0 };
    pid_t left = stack_writer(&stack, one), right = stack_writer(&stack, one);
    assert_int_equal(stack_send(&stack, 29, &row, 1, false).stored, 1);
    struct store_session *session = hold_commits();
    int64_t before = given_out();
    for (int i = 0; i < COUNT; i++) {
        row.observed_at++;
        stack_publish(&stack, 29, &row, 1, false, NULL);
    }
    wait_until_given_out(before + 200);
    clock_sleep_ms(3 * ACK_WAIT_MS);
    let_commit(session);
    stack_wait_for(stack.owner, "SELECT count(*) FROM telemetry.reading WHERE sensor_no = 1460", COUNT + 1);
    assert_int_equal(given_out() - before, COUNT);
    test_process_end(left, SIGKILL);
    test_process_end(right, SIGTERM);
}

/* A process that stood still for longer than ACK_WAIT_MS finds what it had asked for several times before it. */
static void copies_of_a_message_in_one_group_are_stored_once(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(bus_expectation) expectation = NULL;
    struct row rows[] = { { 4100, midnight(), 1, 0, 0 }, { 4100, midnight() + 1, 2, 0, 0 } };
    const char *const patient[] = { "WRITERS=1", "ACK_WAIT_MS=500", "LINGER_MS=200", NULL };
    pid_t writer = stack_writer(&stack, patient);
    assert_int_equal(stack_send(&stack, 41, rows, 1, false).stored, 1);
    must(bus_inbox_expect(&expectation, stack.inbox, &err), &err);
    assert_int_equal(kill(writer, SIGSTOP), 0);
    stack_publish(&stack, 41, rows + 1, 1, false, expectation);
    clock_sleep_ms(2500);
    assert_int_equal(kill(writer, SIGCONT), 0);
    assert_int_equal(stack_answer(expectation).stored, 1);
    expect_rows(41, rows, COUNT_OF(rows));
    assert_int_equal(tenant_total(41, "stored"), COUNT_OF(rows));
    assert_int_equal(tenant_total(41, "duplicate"), 0);
    test_process_end(writer, SIGTERM);
}

static void late_readings_go_into_old_partitions(void **state)
{
    (void)state;
    struct row rows[] = {
        { 21, INT64_C(946684800000000), 1, 0, 0 },  /* 2000-01-01 */
        { 21, INT64_C(1262304000000000), 2, 0, 0 }, /* 2010-01-01 */
        { 21, INT64_C(1262304000000001), 3, 0, 0 },
        { 21, midnight() - 300 * STACK_DAY_US, 4, 0, 0 },
        { 21, midnight(), 5, 0, 0 },
        { 21, clock_now_us() + 23 * STACK_HOUR_US, 6, 0, 0 },
    };
    pid_t writer = stack_writer(&stack, usual);
    assert_int_equal(stack_send(&stack, 15, rows, COUNT_OF(rows), false).stored, COUNT_OF(rows));
    test_process_end(writer, SIGKILL);
    /* Narrower partitions from now on: the new ones end where the old ones begin. */
    const char *const narrow[] = { "PARTITION_DAYS=5", "ROLLUP_MS=50", NULL };
    writer = stack_writer(&stack, narrow);
    struct row more[40];
    for (size_t i = 0; i < COUNT_OF(more); i++)
        more[i] = (struct row){
            .sensor_no = 22, .observed_at = midnight() - (int64_t)(280 + i) * STACK_DAY_US, .value = (double)i
        };
    assert_int_equal(stack_send(&stack, 15, more, COUNT_OF(more), false).stored, COUNT_OF(more));
    struct row all[COUNT_OF(rows) + COUNT_OF(more)];
    memcpy(all, rows, sizeof rows);
    memcpy(all + COUNT_OF(rows), more, sizeof more);
    assert_int_equal(unique(all, COUNT_OF(all)), COUNT_OF(all));
    expect_rows(15, all, COUNT_OF(all));
    test_process_end(writer, SIGTERM);
}

static int64_t stream_epoch(void)
{
    struct err err = { 0 };
    struct bus_stream_state stream;
    must(bus_stream_inspect(stack.bus, "READINGS", &stream, &err), &err);
    return stream.created_at_us;
}

static uint64_t last_sequence(void)
{
    struct err err = { 0 };
    struct bus_stream_state stream;
    must(bus_stream_inspect(stack.bus, "READINGS", &stream, &err), &err);
    return stream.last_sequence;
}

static void enter_ledger(int64_t epoch, uint64_t sequence)
{
    char sql[200];
    snprintf(sql, sizeof sql,
        "INSERT INTO telemetry.committed_message (stream_epoch, stream_sequence, tenant_id, stored, duplicate) "
        "VALUES (%" PRId64 ", %" PRIu64 ", 16, 70, 30)",
        epoch, sequence);
    stack_script(stack.owner, sql);
}

/* Takes what is there with the writer's own durable, up to the newest message, and gives it back. */
static void deliver_once(void)
{
    struct err err = { 0 };
    AUTO(bus_consumer) consumer = NULL;
    struct bus_position position = { 0 };
    must(bus_consumer_open(&consumer, stack.bus,
             &(struct bus_consumer_config){ .stream = "READINGS",
                 .durable = "batch-writer",
                 .ack_wait_ms = 1000,
                 .max_deliver = INT64_C(1000000000),
                 .max_ack_pending = 20000,
                 .batch = 1 },
             &err),
        &err);
    while (position.stream_sequence < last_sequence()) {
        AUTO(bus_message) message = NULL;
        must(bus_consumer_next(consumer, 5000, &message, &err), &err);
        assert_non_null(message);
        must(bus_message_position(message, &position, &err) && bus_message_nak(stack.bus, message, 0, &err), &err);
    }
}

static void a_redelivery_is_answered_from_the_ledger(void **state)
{
    static const struct {
        const char *name;
        bool is_redelivered;
        int64_t epoch_shift;
        int64_t stored;
    } table[] = {
        { "delivered again and known", true, 0, 70 },
        { "known though the count says it is new", false, 0, 70 },
        { "the position was one of an earlier stream", true, -1, 1 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct err err = { 0 };
        AUTO(bus_expectation) expectation = NULL;
        struct row row = { .sensor_no = 1600 + (int32_t)i, .observed_at = midnight(), .value = 1 };
        char sql[120];
        must(bus_inbox_expect(&expectation, stack.inbox, &err), &err);
        stack_publish(&stack, 16, &row, 1, false, expectation);
        enter_ledger(stream_epoch() + table[i].epoch_shift, last_sequence());
        if (table[i].is_redelivered)
            deliver_once();
        pid_t writer = stack_writer(&stack, usual);
        struct answer answer = stack_answer(expectation);
        if (answer.stored != table[i].stored)
            fail_msg("%s: stored %" PRId64, table[i].name, answer.stored);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM telemetry.reading WHERE sensor_no = %" PRId32, row.sensor_no);
        assert_int_equal(stack_number(stack.owner, sql), table[i].stored == 1 ? 1 : 0);
        test_process_end(writer, SIGKILL);
    }
}

static uint64_t dead_count(void)
{
    struct err err = { 0 };
    struct bus_stream_state stream;
    must(bus_stream_inspect(stack.bus, "DEAD", &stream, &err), &err);
    return stream.messages;
}

static void what_can_never_be_stored_goes_to_the_dead(void **state)
{
    (void)state;
    const struct row bad[] = {
        { 31, INT64_C(946684800000000) - 1, 1, 0, 0 }, /* before 2000 */
        { 31, clock_now_us() + 25 * STACK_HOUR_US, 1, 0, 0 },
        { 0, midnight(), 1, 0, 0 },
        { 31, midnight(), __builtin_nan(""), 0, 0 },
    };
    pid_t writer = stack_writer(&stack, usual);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct answer answer = stack_send(&stack, 17, &bad[i], 1, false);
        assert_string_not_equal(answer.error, "");
    }
    struct err err = { 0 };
    must(bus_publish(stack.bus, &(struct bus_outgoing){ .subject = "readings.17.http", .data = "\xff\xff", .size = 2 },
             "garbage", 5000, NULL, &err),
        &err);
    struct row good = { 31, midnight(), 1, 0, 0 };
    assert_int_equal(stack_send(&stack, 17, &good, 1, false).stored, 1);
    assert_int_equal(dead_count(), COUNT_OF(bad) + 1);
    expect_rows(17, &good, 1);
    test_process_end(writer, SIGTERM);
}

static void what_the_database_refuses_goes_alone(void **state)
{
    (void)state;
    struct err err = { 0 };
    uint64_t dead_before = dead_count();
    struct row rows[3] = { { 41, midnight(), 1, 0, 0 }, { 42, midnight(), 666, 0, 0 }, { 43, midnight(), 3, 0, 0 } };
    struct bus_expectation *expectations[3];
    stack_script(stack.owner, "ALTER TABLE telemetry.reading ADD CONSTRAINT nothing_evil CHECK (value <> 666)");
    for (size_t i = 0; i < 3; i++) {
        must(bus_inbox_expect(&expectations[i], stack.inbox, &err), &err);
        stack_publish(&stack, 18, &rows[i], 1, false, expectations[i]);
    }
    pid_t writer = stack_writer(&stack, usual);
    assert_int_equal(stack_answer(expectations[0]).stored, 1);
    assert_string_not_equal(stack_answer(expectations[1]).error, "");
    assert_int_equal(stack_answer(expectations[2]).stored, 1);
    for (size_t i = 0; i < 3; i++)
        bus_expectation_close(expectations[i]);
    assert_int_equal(dead_count(), dead_before + 1);
    stack_script(stack.owner, "ALTER TABLE telemetry.reading DROP CONSTRAINT nothing_evil");
    test_process_end(writer, SIGTERM);
}

static void a_database_that_is_away_is_waited_for(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(bus_expectation) expectation = NULL;
    struct row rows[] = { { 51, midnight(), 1, 0, 0 }, { 52, midnight(), 2, 0, 0 } };
    pid_t writer = stack_writer(&stack, usual);
    assert_int_equal(stack_send(&stack, 19, rows, 1, false).stored, 1);
    test_process_end(stack.postgres.pid, SIGINT);
    must(bus_inbox_expect(&expectation, stack.inbox, &err), &err);
    stack_publish(&stack, 19, rows + 1, 1, false, expectation);
    clock_sleep_ms(1500); /* longer than ACK_WAIT_MS: it must not come twice */
    test_postgres_restart(&stack.postgres);
    assert_int_equal(stack_answer(expectation).stored, 1);
    expect_rows(19, rows, 2);
    assert_int_equal(tenant_total(19, "duplicate"), 0);
    test_process_end(writer, SIGTERM);
}

static void a_stream_made_anew_is_another_stream(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(bus_message) reply = NULL;
    pid_t writer = stack_writer(&stack, usual);
    struct row row = { 61, midnight(), 1, 0, 0 };
    assert_int_equal(stack_send(&stack, 20, &row, 1, false).stored, 1);
    must(bus_request(
             stack.bus, &(struct bus_outgoing){ .subject = "$JS.API.STREAM.DELETE.READINGS" }, 5000, &reply, &err),
        &err);
    must(streams_ensure(stack.bus, &err), &err);
    /* The ledger holds position 1 and those after it, of the stream before. */
    for (int i = 1; i <= 5; i++) {
        row.observed_at++;
        assert_int_equal(stack_send(&stack, 20, &row, 1, false).stored, 1);
    }
    assert_int_equal(stack_number(stack.owner, "SELECT count(*) FROM telemetry.reading WHERE sensor_no = 61"), 6);
    test_process_end(writer, SIGTERM);
}

/* Hours and days as this test computes them from the readings, against the rollups. */
static void expect_rollups(const char *table, int64_t width_us, const struct row *rows, size_t count)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    char sql[240];
    snprintf(sql, sizeof sql,
        "SELECT sensor_no, start_at, count, min, max, sum, last, last_at FROM telemetry.%s WHERE tenant_id = 21 "
        "ORDER BY sensor_no, start_at",
        table);
    must(store_session_open(&session, stack.owner, &err) && store_query(session, &result, sql, NO_PARAMS, &err), &err);
    size_t window = 0;
    for (size_t i = 0; i < count; window++) {
        int64_t start_at = rows[i].observed_at / width_us * width_us, readings = 0;
        double least = rows[i].value, most = rows[i].value, sum = 0;
        size_t k = i;
        for (; k < count && rows[k].sensor_no == rows[i].sensor_no &&
               rows[k].observed_at / width_us * width_us == start_at;
             k++) {
            least = rows[k].value < least ? rows[k].value : least;
            most = rows[k].value > most ? rows[k].value : most;
            sum += rows[k].value;
            readings++;
        }
        assert_true(window < store_result_rows(result));
        assert_int_equal(store_result_int(result, window, 0), rows[i].sensor_no);
        assert_int_equal(store_result_time(result, window, 1), start_at);
        assert_int_equal(store_result_int(result, window, 2), readings);
        assert_true(store_result_double(result, window, 3) == least && store_result_double(result, window, 4) == most);
        assert_true(store_result_double(result, window, 5) == sum);
        assert_true(store_result_double(result, window, 6) == rows[k - 1].value);
        assert_int_equal(store_result_time(result, window, 7), rows[k - 1].observed_at);
        i = k;
    }
    assert_int_equal(store_result_rows(result), window);
}

static void rollups_follow_late_readings_exactly(void **state)
{
    (void)state;
    enum { ROUNDS = 20, ROUND_ROWS = 150 };
    static struct row all[ROUNDS * ROUND_ROWS];
    pid_t writer = stack_writer(&stack, usual);
    for (size_t round = 0; round < ROUNDS; round++) {
        struct row *rows = all + round * ROUND_ROWS;
        for (size_t i = 0; i < ROUND_ROWS; i++)
            rows[i] = (struct row){ .sensor_no = 2100 + (int32_t)any(3),
                .observed_at = midnight() - any(20000) * INT64_C(60000000) - any(1000),
                .value = any(1000) / 8.0 };
        stack_send(&stack, 21, rows, ROUND_ROWS, false);
    }
    stack_wait_for(stack.owner, "SELECT count(*) FROM telemetry.rollup_due WHERE sensor_no && '{2100,2101,2102}'", 0);
    /* Which of two with the same key was stored is the first sent: a stable order is needed, so repeated keys must be
     * rare and equal. */
    size_t kept = unique(all, COUNT_OF(all));
    if (kept == COUNT_OF(all)) {
        expect_rows(21, all, kept);
        expect_rollups("rollup_hour", STACK_HOUR_US, all, kept);
        expect_rollups("rollup_day", STACK_DAY_US, all, kept);
    } else {
        fail_msg("the random keys repeat: choose another seed");
    }
    test_process_end(writer, SIGTERM);
}

/* A partition may be attached while the rollup's statement is being planned: marks of readings that the plan cannot
 * reach must wait, or their hours would never be computed. */
static void rollups_know_every_partition_whose_marks_they_take(void **state)
{
    (void)state;
    enum { DAYS = 300 };
    const char *const hasty[] = { "PARTITION_DAYS=1", "ROLLUP_MS=10", "LINGER_MS=0", NULL };
    pid_t writer = stack_writer(&stack, hasty);
    for (int day = 0; day < DAYS; day++) {
        struct row row = { 4000, INT64_C(1104537600000000) + day * STACK_DAY_US, day, 0, 0 };
        assert_int_equal(stack_send(&stack, 40, &row, 1, false).stored, 1);
    }
    stack_wait_for(stack.owner, "SELECT count(*) FROM telemetry.rollup_due WHERE sensor_no && '{4000}'", 0);
    assert_int_equal(
        stack_number(stack.owner, "SELECT count(*) FROM telemetry.rollup_hour WHERE tenant_id = 40"), DAYS);
    test_process_end(writer, SIGTERM);
}

/* An hour that still runs is not computed with every reading; its marks wait, but do not pile up. */
static void marks_of_a_running_hour_wait_and_grow_together(void **state)
{
    (void)state;
    enum { MESSAGES = 150, SENSORS = 3 };
    pid_t writer = stack_writer(&stack, usual);
    stack_wait_for(stack.owner,
        "SELECT count(*) FROM telemetry.rollup_due WHERE last_hour * 3600::int8 < extract(epoch FROM now()) - 7200", 0);
    for (int64_t i = 0; i < MESSAGES; i++) {
        struct row row = { .sensor_no = 2200 + (int32_t)(i % SENSORS), .observed_at = clock_now_us() + i, .value = 1 };
        stack_send(&stack, 22, &row, 1, false);
    }
    stack_wait_for(stack.owner, "SELECT (count(*) <= 101)::int FROM telemetry.rollup_due", 1);
    assert_int_equal(stack_number(stack.owner,
                         "SELECT count(DISTINCT m.sensor_no) FROM telemetry.rollup_due d, "
                         "unnest(d.sensor_no, d.hour) AS m (sensor_no, hour) WHERE m.sensor_no BETWEEN 2200 AND 2299"),
        SENSORS);
    assert_int_equal(stack_number(stack.owner, "SELECT count(*) FROM telemetry.rollup_hour WHERE tenant_id = 22"), 0);
    test_process_end(writer, SIGTERM);
}

static void old_ledger_rows_are_forgotten(void **state)
{
    (void)state;
    stack_script(stack.owner,
        "UPDATE telemetry.committed_message SET committed_at = now() - interval '25 hours' WHERE tenant_id = 21");
    int64_t others =
        stack_number(stack.owner, "SELECT count(*) FROM telemetry.committed_message WHERE tenant_id <> 21");
    pid_t writer = stack_writer(&stack, usual);
    stack_wait_for(stack.owner, "SELECT count(*) FROM telemetry.committed_message WHERE tenant_id = 21", 0);
    assert_int_equal(stack_number(stack.owner, "SELECT count(*) FROM telemetry.committed_message"), others);
    test_process_end(writer, SIGTERM);
}

/* ---- room in the stream ----------------------------------------------------------------------------------------- */

static struct bus_stream_state readings_stream(void)
{
    struct err err = { 0 };
    struct bus_stream_state state;
    must(bus_stream_inspect(stack.bus, "READINGS", &state, &err), &err);
    return state;
}

static void wait_for_messages(uint64_t wanted)
{
    int64_t end_us = clock_monotonic_us() + 30 * INT64_C(1000000);
    while (readings_stream().messages != wanted && clock_monotonic_us() < end_us)
        clock_sleep_ms(20);
    assert_int_equal(readings_stream().messages, wanted);
}

/* Until a program starts, which brings the catalogue's limits back. */
static void limit_stream(int64_t max_bytes, int64_t max_age_ms)
{
    struct err err = { 0 };
    const struct bus_stream stream = { .name = "READINGS",
        .subjects = { "readings.>" },
        .max_bytes = max_bytes,
        .max_age_ms = max_age_ms,
        .max_message_bytes = INT64_C(8) << 20,
        .duplicate_window_ms = max_age_ms > 0 ? max_age_ms : 120000 };
    must(bus_stream_ensure(stack.bus, &stream, &err), &err);
}

/* One reading with as much weight as the header can have, so that a few fill a stream. */
static bool publish_heavy(int32_t tenant_id, int64_t observed_at, struct err *err)
{
    enum { WEIGHT = 40000 };
    static char weight[WEIGHT + 1];
    struct buffer body;
    char id[UUID_TEXT_SIZE], subject[64];
    struct uuid uuid = uuid_new();
    int32_t sensor_no = tenant_id * 100;
    int64_t delta = 0;
    double value = 1;
    Nwims__V1__ReadingBatch batch = NWIMS__V1__READING_BATCH__INIT;
    batch.has_tenant_id = batch.has_received_at = batch.has_base_at = true;
    batch.tenant_id = tenant_id;
    batch.received_at = clock_now_us();
    batch.base_at = observed_at;
    batch.sensor_no = &sensor_no;
    batch.observed_delta_us = &delta;
    batch.value = &value;
    batch.n_sensor_no = batch.n_observed_delta_us = batch.n_value = 1;
    buffer_init(&body, 0);
    memset(weight, 'x', WEIGHT);
    uuid_format(id, &uuid);
    snprintf(subject, sizeof subject, "readings.%" PRId32 ".http", tenant_id);
    bool ok = wire_encode(&body, &batch.base, err) && bus_publish(stack.bus,
                                                          &(struct bus_outgoing){ .subject = subject,
                                                              .data = body.data,
                                                              .size = body.size,
                                                              .headers = &(struct bus_header){ "Weight", weight },
                                                              .header_count = 1 },
                                                          id, 5000, NULL, err);
    buffer_done(&body);
    return ok;
}

/* How many went in until the stream refused. */
static int64_t fill(int32_t tenant_id, int64_t first_at)
{
    for (int64_t i = 0; i < 1000; i++) {
        struct err err = { 0 };
        if (!publish_heavy(tenant_id, first_at + i, &err)) {
            assert_int_equal(err.kind, ERR_LIMIT);
            return i;
        }
    }
    fail_msg("the stream refuses nothing");
    return 0;
}

static int64_t stored_of(int32_t tenant_id)
{
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM telemetry.reading WHERE tenant_id = %" PRId32, tenant_id);
    return stack_number(stack.owner, sql);
}

static void wait_until_stored(int32_t tenant_id, int64_t count)
{
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM telemetry.reading WHERE tenant_id = %" PRId32, tenant_id);
    stack_wait_for(stack.owner, sql, count);
}

static const char *const keeping_nothing[] = { "ROLLUP_MS=50", "ACK_WAIT_MS=1000", "KEEP_READ_MS=0", "KEEPER_MS=50",
    NULL };

/* Started, and past all that it does at start: it has stored one reading of this tenant. */
static pid_t working_writer(int32_t tenant_id, const char *const settings[])
{
    pid_t writer = stack_writer(&stack, settings);
    struct row row = { tenant_id, midnight(), 1, 0, 0 };
    assert_int_equal(stack_send(&stack, 22, &row, 1, false).stored, 1);
    return writer;
}

static void a_full_stream_has_room_again_when_the_writer_is_back(void **state)
{
    (void)state;
    struct err err = { 0 };
    pid_t writer = working_writer(23, keeping_nothing);
    limit_stream(INT64_C(1) << 20, 0);
    wait_for_messages(0);
    kill(writer, SIGSTOP);
    int64_t went_in = fill(23, midnight());
    assert_in_range(went_in, 20, 26); /* of 40 KB into 1 MiB */
    clock_sleep_ms(300);
    assert_false(publish_heavy(23, midnight() + went_in, &err)); /* time alone gives no room */
    kill(writer, SIGCONT);
    wait_until_stored(23, went_in);
    wait_for_messages(0);
    memset(&err, 0, sizeof err);
    must(publish_heavy(23, midnight() + went_in, &err), &err);
    wait_until_stored(23, went_in + 1);
    wait_for_messages(0);
    test_process_end(writer, SIGTERM);
}

static void what_was_read_stays_for_a_replay_while_there_is_room(void **state)
{
    (void)state;
    enum { CEILING = 1 << 20 };
    const char *const keeping[] = { "ROLLUP_MS=50", "ACK_WAIT_MS=1000", "KEEP_READ_MS=3600000", "KEEPER_MS=50", NULL };
    pid_t writer = working_writer(24, keeping);
    limit_stream(CEILING, 0);
    for (int64_t i = 0; i < 30; i++) { /* more than fit at once */
        struct err err = { 0 };
        must(publish_heavy(24, midnight() + i, &err), &err);
        wait_until_stored(24, i + 1);
        for (int tries = 0; readings_stream().bytes > CEILING / 2 && tries < 500; tries++)
            clock_sleep_ms(20);
    }
    struct bus_stream_state kept = readings_stream();
    assert_in_range(kept.bytes, CEILING / 4, CEILING / 2);
    test_process_end(writer, SIGKILL);
    writer =
        stack_writer(&stack, (const char *const[]){ "ACK_WAIT_MS=1000", "KEEP_READ_MS=500", "KEEPER_MS=50", NULL });
    wait_for_messages(0);
    assert_int_equal(stored_of(24), 30);
    test_process_end(writer, SIGTERM);
}

/* Another reader of the stream, as a service to come would open it. */
static struct bus_consumer *open_reader(const char *durable, const char *filter)
{
    struct err err = { 0 };
    struct bus_consumer *consumer = NULL;
    const struct bus_consumer_config config = { .stream = "READINGS",
        .durable = durable,
        .filter = filter,
        .ack_wait_ms = 2000,
        .max_ack_pending = 100,
        .batch = 10 };
    must(bus_consumer_open(&consumer, stack.bus, &config, &err), &err);
    return consumer;
}

static void forget_reader(const char *durable)
{
    struct err err = { 0 };
    AUTO(bus_message) reply = NULL;
    char subject[96];
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DELETE.READINGS.%s", durable);
    must(bus_request(stack.bus, &(struct bus_outgoing){ .subject = subject }, 5000, &reply, &err), &err);
}

static uint64_t acknowledge_next(struct bus_consumer *consumer)
{
    struct err err = { 0 };
    struct bus_position position;
    AUTO(bus_message) message = NULL;
    must(bus_consumer_next(consumer, 10000, &message, &err), &err);
    assert_non_null(message);
    must(bus_message_position(message, &position, &err) && bus_message_ack(stack.bus, message, &err), &err);
    return position.stream_sequence;
}

/* It has been given all five, and acknowledges the first two and the last: the two between come again, whatever was
 * removed meanwhile. */
static void another_durable_holds_back_what_it_has_not_read(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    struct err err = { 0 };
    struct bus_message *messages[COUNT];
    pid_t writer = working_writer(25, keeping_nothing);
    wait_for_messages(0);
    struct bus_consumer *detector = open_reader("detector", NULL), *idle = open_reader("idle", "readings.99.>");
    for (int64_t i = 0; i < COUNT; i++)
        must(publish_heavy(25, midnight() + i, &err), &err);
    wait_until_stored(25, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        must(bus_consumer_next(detector, 10000, &messages[i], &err), &err);
        assert_non_null(messages[i]);
    }
    clock_sleep_ms(500); /* many rounds of the keeper */
    assert_int_equal(readings_stream().messages, COUNT);
    const size_t read[] = { 4, 0, 1 };
    for (size_t i = 0; i < COUNT_OF(read); i++)
        must(bus_message_ack(stack.bus, messages[read[i]], &err), &err);
    wait_for_messages(3); /* the one whose filter meets none of these holds nothing back */
    for (size_t i = 0; i < COUNT; i++)
        bus_message_close(messages[i]);
    uint64_t third = acknowledge_next(detector), fourth = acknowledge_next(detector);
    assert_int_equal(third + fourth + 1, 2 * readings_stream().last_sequence - 2);
    wait_for_messages(0);
    bus_consumer_close(detector);
    bus_consumer_close(idle);
    forget_reader("detector");
    forget_reader("idle");
    test_process_end(writer, SIGTERM);
}

/* As an installation before this rule had it: the age goes, what was not read stays. */
static void unread_readings_survive_any_age(void **state)
{
    (void)state;
    struct err err = { 0 };
    limit_stream(INT64_C(64) << 20, 2000);
    must(publish_heavy(26, midnight(), &err), &err);
    must(streams_ensure(stack.bus, &err), &err);
    clock_sleep_ms(3000); /* the age that it had */
    assert_int_equal(readings_stream().messages, 1);
    pid_t writer = stack_writer(&stack, keeping_nothing);
    wait_until_stored(26, 1);
    wait_for_messages(0);
    test_process_end(writer, SIGTERM);
}

/* Acknowledged, removed, and then the server forgets what it had not written down: nothing hangs on messages that are
 * gone. */
static void room_is_made_after_the_bus_was_killed(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    pid_t writer = working_writer(27, keeping_nothing);
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < COUNT; i++) {
            struct err err = { 0 };
            must(publish_heavy(27, midnight() + round * COUNT + i, &err), &err);
        }
        test_process_end(stack.nats.pid, SIGKILL);
        test_nats_restart(&stack.nats);
        for (int tries = 0; !bus_is_connected(stack.bus) && tries < 500; tries++)
            clock_sleep_ms(20);
        wait_until_stored(27, (round + 1) * COUNT);
        wait_for_messages(0);
    }
    test_process_end(writer, SIGTERM);
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
        cmocka_unit_test(a_batch_is_stored_as_sent),
        cmocka_unit_test(a_conflict_within_one_message_keeps_the_first),
        cmocka_unit_test(two_replicas_store_overlaps_once),
        cmocka_unit_test(a_killed_writer_loses_nothing_and_repeats_nothing),
        cmocka_unit_test(what_a_killed_writer_had_taken_is_soon_stored_by_another),
        cmocka_unit_test(what_a_slow_writer_has_taken_is_given_to_nobody_else),
        cmocka_unit_test(copies_of_a_message_in_one_group_are_stored_once),
        cmocka_unit_test(late_readings_go_into_old_partitions),
        cmocka_unit_test(a_redelivery_is_answered_from_the_ledger),
        cmocka_unit_test(what_can_never_be_stored_goes_to_the_dead),
        cmocka_unit_test(what_the_database_refuses_goes_alone),
        cmocka_unit_test(a_database_that_is_away_is_waited_for),
        cmocka_unit_test(a_stream_made_anew_is_another_stream),
        cmocka_unit_test(rollups_follow_late_readings_exactly),
        cmocka_unit_test(rollups_know_every_partition_whose_marks_they_take),
        cmocka_unit_test(marks_of_a_running_hour_wait_and_grow_together),
        cmocka_unit_test(old_ledger_rows_are_forgotten),
        cmocka_unit_test(a_full_stream_has_room_again_when_the_writer_is_back),
        cmocka_unit_test(what_was_read_stays_for_a_replay_while_there_is_room),
        cmocka_unit_test(another_durable_holds_back_what_it_has_not_read),
        cmocka_unit_test(unread_readings_survive_any_age),
        cmocka_unit_test(room_is_made_after_the_bus_was_killed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
