/* The auditor as it runs: records come once, chained, append-only; lists; load, kills and poison. What tampering looks
 * like is in auditor_tamper_test.c. */
#include "tests/integration/auditor_stack.h"

static struct stack stack;

/* The layout of chain.h once more, in SQL: an implementation of its own. */
static const char hash_function[] =
    "CREATE FUNCTION part(t text) RETURNS bytea LANGUAGE sql AS $$ SELECT CASE WHEN t IS NULL THEN "
    "'\\xffffffff'::bytea ELSE int4send(octet_length(t)) || convert_to(t, 'UTF8') END $$;"
    "CREATE FUNCTION us(t timestamptz) RETURNS bytea LANGUAGE sql AS $$ SELECT int8send((extract(epoch FROM t) * "
    "1000000)::int8) $$;"
    "CREATE FUNCTION expected_hash(r audit.record) RETURNS bytea LANGUAGE sql AS $$ SELECT sha256(r.previous || 'NWIMS "
    "audit 1'::bytea || int4send(r.tenant_id) || int8send(r.sequence) || us(r.recorded_at) || us(r.happened_at) || "
    "uuid_send(r.id) || part(r.actor) || part(r.action) || part(r.entity) || part(r.entity_id) || part(r.outcome) || "
    "part(r.peer) || part(r.request_id) || part(r.trace_id) || part(r.detail)) $$";

static void a_record_is_stored_once_however_often_it_is_sent(void **state)
{
    char id[UUID_TEXT_SIZE];
    Nwims__V1__AuditRecord record = stack_record(id, 1, 1);
    (void)state;
    for (int i = 0; i < 3; i++) {
        char message_id[32];
        snprintf(message_id, sizeof message_id, "again-%d", i);
        stack_publish(&stack, &record, message_id);
    }
    stack_fill(&stack, 1, 1);
    stack_wait_for(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id = 1", 2);
    assert_int_equal(stack_number(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id = 1"), 2);
    stack_publish(&stack, &record, "much-later");
    stack_fill(&stack, 1, 3); /* comes after them */
    stack_wait_for(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id = 1", 5);
    assert_int_equal(stack_number(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id = 1"), 5);
}

static void the_hash_is_what_the_manual_says(void **state)
{
    (void)state;
    stack_fill(&stack, 2, 50);
    stack_sql(&stack, hash_function);
    assert_int_equal(stack_number(&stack,
                         "SELECT count(*) FROM audit.record r WHERE tenant_id = 2 AND hash = audit.expected_hash(r)"),
        50);
    assert_int_equal(stack_number(&stack, "SELECT count(*) FROM audit.record r JOIN audit.record b ON b.tenant_id = "
                                          "r.tenant_id AND b.sequence = r.sequence - 1 WHERE r.tenant_id = 2 AND "
                                          "r.previous = b.hash"),
        49);
}

static void an_untouched_chain_is_good(void **state)
{
    (void)state;
    stack_fill(&stack, 3, 40);
    stack_wait_sealed(&stack, 3, 40);
    const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, 3);
    assert_true(reply->ok);
    assert_int_equal(reply->records, 40);
    assert_int_equal(reply->first_sequence, 1);
    assert_int_equal(reply->last_sequence, 40);
    assert_true(reply->heads >= 1);
    assert_null(reply->next_cursor);
}

static void verification_goes_on_where_it_stopped(void **state)
{
    Nwims__V1__VerifyChainRequest request = NWIMS__V1__VERIFY_CHAIN_REQUEST__INIT;
    char cursor[256] = "";
    int64_t seen = 0;
    int calls = 0;
    (void)state;
    stack_fill(&stack, 4, 30);
    request.has_limit = true;
    request.limit = 7;
    for (; calls < 10; calls++) {
        request.cursor = cursor;
        const Nwims__V1__VerifyChainReply *reply = stack_call(&stack, 4, "VerifyChain", &request.base);
        assert_true(reply->ok);
        seen += reply->records;
        if (!reply->next_cursor)
            break;
        snprintf(cursor, sizeof cursor, "%s", reply->next_cursor);
    }
    assert_int_equal(seen, 30);
    assert_int_equal(calls, 4);
}

static void a_cursor_of_somebody_else_is_refused(void **state)
{
    static char *const bad[] = { "x", "5", "5.x.y.z", "0.019b76da-a800-7000-8000-000000000001.00.00",
        "9999999999999999999" };
    struct err err;
    const struct rpc_caller caller = stack_caller(4, "audit:read");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Nwims__V1__VerifyChainRequest request = NWIMS__V1__VERIFY_CHAIN_REQUEST__INIT;
        request.cursor = bad[i];
        assert_null(stack_try(&stack, &caller, "VerifyChain", &request.base, &err));
        assert_int_equal(err.kind, ERR_INPUT);
    }
}

static void a_part_can_be_verified_by_time(void **state)
{
    Nwims__V1__VerifyChainRequest request = NWIMS__V1__VERIFY_CHAIN_REQUEST__INIT;
    (void)state;
    stack_fill(&stack, 5, 10);
    clock_sleep_ms(5);
    int64_t between = stack_number(&stack, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8");
    clock_sleep_ms(5);
    for (int i = 0; i < 5; i++) {
        char id[UUID_TEXT_SIZE];
        Nwims__V1__AuditRecord record = stack_record(id, 5, 100 + i);
        stack_publish(&stack, &record, id);
    }
    stack_wait_for(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id = 5", 15);
    request.has_from_at = true;
    request.from_at = between;
    const Nwims__V1__VerifyChainReply *reply = stack_call(&stack, 5, "VerifyChain", &request.base);
    assert_true(reply->ok);
    assert_int_equal(reply->first_sequence, 11);
    assert_int_equal(reply->records, 5);
    request.has_from_at = false;
    request.has_to_at = true;
    request.to_at = between;
    reply = stack_call(&stack, 5, "VerifyChain", &request.base);
    assert_true(reply->ok);
    assert_int_equal(reply->last_sequence, 10);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */
static const Nwims__V1__ListAuditReply *list(int32_t tenant_id, const Nwims__V1__ListAuditRequest *request)
{
    return stack_call(&stack, tenant_id, "ListRecords", &request->base);
}

static void lists_are_the_newest_first_and_paged(void **state)
{
    Nwims__V1__ListAuditRequest request = NWIMS__V1__LIST_AUDIT_REQUEST__INIT;
    char cursor[128] = "";
    int64_t seen = 0, last = INT64_MAX;
    (void)state;
    stack_fill(&stack, 6, 25);
    request.has_limit = true;
    request.limit = 10;
    for (int page = 0; page < 5; page++) {
        request.cursor = cursor;
        const Nwims__V1__ListAuditReply *reply = list(6, &request);
        for (size_t i = 0; i < reply->n_items; i++, seen++) {
            assert_true(reply->items[i]->happened_at <= last);
            last = reply->items[i]->happened_at;
        }
        if (!reply->next_cursor)
            break;
        snprintf(cursor, sizeof cursor, "%s", reply->next_cursor);
    }
    assert_int_equal(seen, 25);
}

static void every_filter_filters(void **state)
{
    Nwims__V1__ListAuditRequest request = NWIMS__V1__LIST_AUDIT_REQUEST__INIT;
    (void)state;
    stack_fill(&stack, 7, 20);
    request.actor = "user-odd";
    assert_int_equal(list(7, &request)->n_items, 10);
    request.actor = NULL;
    request.outcome = "refused";
    assert_int_equal(list(7, &request)->n_items, 2);
    request.outcome = "ok";
    assert_int_equal(list(7, &request)->n_items, 18);
    request.outcome = NULL;
    request.entity = "sensor";
    request.entity_id = "s-13";
    assert_int_equal(list(7, &request)->n_items, 1);
    request.entity = request.entity_id = NULL;
    request.action = "sensor.deleted";
    assert_int_equal(list(7, &request)->n_items, 0);
    request.action = "sensor.updated";
    request.request_id = "r-1";
    assert_int_equal(list(7, &request)->n_items, 20);
    request.has_from_at = request.has_to_at = true;
    request.from_at = clock_now_us() - INT64_C(3600000000);
    request.to_at = clock_now_us() + 1;
    assert_int_equal(list(7, &request)->n_items, 20);
    request.from_at = clock_now_us();
    request.to_at = request.from_at + INT64_C(3600000000);
    assert_int_equal(list(7, &request)->n_items, 0);
}

static void one_record_is_its_tenants_only(void **state)
{
    Nwims__V1__ListAuditRequest request = NWIMS__V1__LIST_AUDIT_REQUEST__INIT;
    Nwims__V1__ById by_id = NWIMS__V1__BY_ID__INIT;
    struct err err;
    char id[64];
    (void)state;
    stack_fill(&stack, 8, 2);
    snprintf(id, sizeof id, "%s", list(8, &request)->items[0]->id);
    by_id.id = id;
    const Nwims__V1__AuditRecord *record = stack_call(&stack, 8, "GetRecord", &by_id.base);
    assert_string_equal(record->id, id);
    assert_int_equal(record->sequence, 2);
    assert_int_equal(strlen(record->hash), 64);
    const struct rpc_caller other = stack_caller(9, "audit:read");
    assert_null(stack_try(&stack, &other, "GetRecord", &by_id.base, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    by_id.id = "no-such";
    assert_null(stack_try(&stack, &other, "GetRecord", &by_id.base, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void records_of_nobody_are_for_who_sees_all_tenants(void **state)
{
    Nwims__V1__ListAuditRequest request = NWIMS__V1__LIST_AUDIT_REQUEST__INIT;
    struct rpc_caller caller = stack_caller(1, "audit:read");
    struct err err;
    (void)state;
    stack_fill(&stack, 0, 3);
    request.has_unattributed = request.unattributed = true;
    assert_null(stack_try(&stack, &caller, "ListRecords", &request.base, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    caller = stack_caller(1, "*:*");
    const Nwims__V1__ListAuditReply *reply = stack_try(&stack, &caller, "ListRecords", &request.base, &err);
    assert_non_null(reply);
    assert_int_equal(reply->n_items, 3);
    assert_false(reply->items[0]->has_tenant_id);
}

static void without_the_permission_or_for_a_part_of_the_tenant_nothing_is_shown(void **state)
{
    const Nwims__V1__ListAuditRequest request = NWIMS__V1__LIST_AUDIT_REQUEST__INIT;
    struct rpc_caller caller = stack_caller(1, "sensors:read");
    struct err err;
    (void)state;
    assert_null(stack_try(&stack, &caller, "ListRecords", &request.base, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    caller = stack_caller(1, "audit:read");
    snprintf(caller.scope, sizeof caller.scope, "m:019b76da-a800-7000-8000-000000000001");
    assert_null(stack_try(&stack, &caller, "ListRecords", &request.base, &err));
    assert_int_equal(err.kind, ERR_DENIED);
}

/* ---- what the working role may do ----------------------------------------------------------------------------------
 */
static void expect_refused(const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, stack.worker, &err) && store_begin(session, 1, &err), &err);
    if (store_script(session, sql, &err))
        fail_msg("allowed: %s", sql);
    if (!strstr(err.text, "permission denied") && !strstr(err.text, "must be owner"))
        fail_msg("%s: %s", sql, err.text);
}

/* What stands before and behind the name of a table. */
struct wrong {
    const char *before, *behind;
};

static void expect_all_refused(const char *table, const struct wrong *wrongs, size_t count)
{
    char sql[200];
    for (size_t i = 0; i < count; i++) {
        snprintf(sql, sizeof sql, "%s %s %s", wrongs[i].before, table, wrongs[i].behind);
        expect_refused(sql);
    }
}

static void the_working_role_can_only_add(void **state)
{
    static const char *const tables[] = { "audit.record", "audit.head", "audit.chain" };
    static const struct wrong wrongs[] = { { "UPDATE", "SET tenant_id = 1" }, { "DELETE FROM", "" },
        { "TRUNCATE", "CASCADE" }, { "DROP TABLE", "CASCADE" }, { "ALTER TABLE", "DISABLE ROW LEVEL SECURITY" },
        { "CREATE INDEX ON", "((1))" } };
    static const struct wrong keys[] = { { "UPDATE", "SET x = ''" }, { "DELETE FROM", "" }, { "TRUNCATE", "" } };
    (void)state;
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        expect_all_refused(tables[t], wrongs, COUNT_OF(wrongs));
    expect_all_refused("audit.signing_key", keys, COUNT_OF(keys));
    expect_refused("CREATE TABLE audit.mine (a int)");
}

static void the_months_themselves_are_closed_to_it(void **state)
{
    static const struct wrong wrongs[] = { { "SELECT * FROM", "" }, { "INSERT INTO", "DEFAULT VALUES" },
        { "UPDATE", "SET detail = ''" }, { "DELETE FROM", "" }, { "TRUNCATE", "" },
        { "ALTER TABLE audit.record DETACH PARTITION", "" } };
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) names = NULL;
    (void)state;
    must(store_session_open(&session, stack.superuser, &err) &&
             store_query(session, &names,
                 "SELECT 'audit.' || c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE "
                 "i.inhparent = 'audit.record'::regclass",
                 NO_PARAMS, &err),
        &err);
    assert_true(store_result_rows(names) >= 2);
    for (size_t row = 0; row < store_result_rows(names); row++)
        expect_all_refused(store_result_text(names, row, 0), wrongs, COUNT_OF(wrongs));
}

static int64_t worker_number(int32_t tenant_id, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, stack.worker, &err) && store_begin(session, tenant_id, &err) &&
             store_query(session, &result, sql, NO_PARAMS, &err),
        &err);
    return store_result_int(result, 0, 0);
}

static void a_statement_without_its_tenant_sees_one_tenant_only(void **state)
{
    (void)state;
    stack_fill(&stack, 10, 4);
    stack_fill(&stack, 11, 6);
    assert_int_equal(worker_number(10, "SELECT count(*) FROM audit.record"), 4);
    assert_int_equal(worker_number(11, "SELECT count(*) FROM audit.record"), 6);
    assert_int_equal(worker_number(10, "SELECT count(*) FROM audit.record WHERE tenant_id = 11"), 0);
    stack_wait_sealed(&stack, 10, 4);
    stack_wait_sealed(&stack, 11, 6);
    assert_int_equal(worker_number(10, "SELECT count(DISTINCT tenant_id) FROM audit.head"), 1);
}

static void a_record_of_another_tenant_cannot_be_slipped_in(void **state)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    (void)state;
    must(store_session_open(&session, stack.worker, &err) && store_begin(session, 10, &err), &err);
    assert_false(store_script(session,
        "INSERT INTO audit.record (recorded_at, happened_at, sequence, id, tenant_id, outcome, action, previous, hash) "
        "VALUES (now(), now(), 1000, gen_random_uuid(), 11, 'ok', 'a.b', sha256(''), sha256(''))",
        &err));
    assert_non_null(strstr(err.text, "row-level security"));
}

/* ---- load, kills, poison -------------------------------------------------------------------------------------------
 */
static uint64_t messages_of(const char *stream)
{
    struct err err = { 0 };
    struct bus_stream_state state;
    must(bus_stream_inspect(stack.bus, stream, &state, &err), &err);
    return state.messages;
}

static void publish_raw(const char *subject, const void *data, size_t size, const char *id)
{
    struct err err = { 0 };
    const struct bus_outgoing message = { .subject = subject, .data = data, .size = size };
    must(bus_publish(stack.bus, &message, id, 10000, NULL, &err), &err);
}

static void poison_goes_to_the_dead_and_the_rest_goes_on(void **state)
{
    char id[UUID_TEXT_SIZE];
    struct err err = { 0 };
    AUTO_INPLACE(buffer) body = { 0 };
    uint64_t dead = messages_of("DEAD");
    (void)state;
    publish_raw("audit.12.sensor", "\xff\xff nonsense", 11, "poison-1");
    Nwims__V1__AuditRecord record = stack_record(id, 12, 1);
    record.action = "no noun and verb";
    stack_publish(&stack, &record, "poison-2");
    record.action = "sensor.updated";
    record.outcome = "maybe";
    stack_publish(&stack, &record, "poison-3");
    record.outcome = "ok";
    record.detail = "[1]";
    stack_publish(&stack, &record, "poison-4");
    record.detail = "{}";
    must(wire_encode(&body, &record.base, &err), &err);
    publish_raw("audit.13.sensor", body.data, body.size, "of-another-tenant");
    stack_fill(&stack, 12, 5);
    int64_t end = clock_monotonic_us() + STACK_WAIT_S * INT64_C(1000000);
    while (messages_of("DEAD") < dead + 5 && clock_monotonic_us() < end)
        clock_sleep_ms(20);
    assert_int_equal(messages_of("DEAD"), dead + 5);
    assert_int_equal(stack_number(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id IN (12, 13)"), 5);
    while (messages_of("AUDIT") > 0 && clock_monotonic_us() < end)
        clock_sleep_ms(20);
    assert_int_equal(messages_of("AUDIT"), 0);
}

static void published(void *context, const struct err *err)
{
    (void)context;
    if (err)
        abort(); /* the bus is not what this test is about */
}

enum { LOAD_RECORDS = 6000, LOAD_TENANTS = 3, LOAD_FIRST = 20 };

static void publish_load(int64_t from, int64_t to, struct bus_publisher *publisher)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) body = { 0 };
    char subject[64], id[UUID_TEXT_SIZE];
    for (int64_t i = from; i < to; i++) {
        Nwims__V1__AuditRecord record = stack_record(id, LOAD_FIRST + (int32_t)(i % LOAD_TENANTS), i);
        buffer_reset(&body);
        must(wire_encode(&body, &record.base, &err), &err);
        snprintf(subject, sizeof subject, "audit.%d.sensor", (int)record.tenant_id);
        const struct bus_outgoing message = { .subject = subject, .data = body.data, .size = body.size };
        must(bus_publisher_put(publisher, &message, id, NULL, 10000, &err), &err);
        if (i % 40 == 0) /* once more, as an outbox whose process died between sending and deleting */
            must(bus_publisher_put(publisher, &message, id + 1, NULL, 10000, &err), &err);
    }
}

static void two_replicas_killed_in_mid_load_store_each_record_once(void **state)
{
    struct err err = { 0 };
    AUTO(bus_publisher) publisher = NULL;
    (void)state;
    stack_replica_start(&stack, 1);
    must(bus_publisher_open(&publisher, stack.bus, 256, published, &err), &err);
    for (int round = 0; round < 4; round++) {
        publish_load(round * LOAD_RECORDS / 4, (round + 1) * LOAD_RECORDS / 4, publisher);
        int victim = round % STACK_REPLICAS;
        test_process_end(stack.replicas[victim], SIGKILL);
        stack_replica_start(&stack, victim);
    }
    must(bus_publisher_flush(publisher, 20000, &err), &err);
    stack_wait_for(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id BETWEEN 20 AND 22", LOAD_RECORDS);
    int64_t end = clock_monotonic_us() + STACK_WAIT_S * INT64_C(1000000);
    while (messages_of("AUDIT") > 0 && clock_monotonic_us() < end)
        clock_sleep_ms(20);
    assert_int_equal(messages_of("AUDIT"), 0);
    assert_int_equal(
        stack_number(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id BETWEEN 20 AND 22"), LOAD_RECORDS);
    assert_int_equal(
        stack_number(&stack, "SELECT count(DISTINCT id) FROM audit.record WHERE tenant_id BETWEEN 20 AND 22"),
        LOAD_RECORDS);
    for (int32_t tenant = LOAD_FIRST; tenant < LOAD_FIRST + LOAD_TENANTS; tenant++) {
        const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, tenant);
        assert_int_equal(reply->problem_count, 0);
        assert_int_equal(reply->records, LOAD_RECORDS / LOAD_TENANTS);
        assert_int_equal(reply->last_sequence, LOAD_RECORDS / LOAD_TENANTS);
    }
}

static void a_database_that_goes_away_loses_nothing(void **state)
{
    (void)state;
    stack_fill(&stack, 30, 10);
    test_process_end(stack.postgres.pid, SIGKILL);
    for (int64_t i = 0; i < 100; i++) {
        char id[UUID_TEXT_SIZE];
        Nwims__V1__AuditRecord record = stack_record(id, 30, i);
        stack_publish(&stack, &record, id);
    }
    test_postgres_restart(&stack.postgres);
    stack_wait_for(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id = 30", 110);
    const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, 30);
    assert_int_equal(reply->problem_count, 0);
    assert_int_equal(reply->records, 110);
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

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    forgotten_tenant_check(stack.superuser, stack.postgres.folder, "nwims_auditor", 12, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_stored_once_however_often_it_is_sent),
        cmocka_unit_test(the_hash_is_what_the_manual_says),
        cmocka_unit_test(an_untouched_chain_is_good),
        cmocka_unit_test(verification_goes_on_where_it_stopped),
        cmocka_unit_test(a_cursor_of_somebody_else_is_refused),
        cmocka_unit_test(a_part_can_be_verified_by_time),
        cmocka_unit_test(lists_are_the_newest_first_and_paged),
        cmocka_unit_test(every_filter_filters),
        cmocka_unit_test(one_record_is_its_tenants_only),
        cmocka_unit_test(records_of_nobody_are_for_who_sees_all_tenants),
        cmocka_unit_test(without_the_permission_or_for_a_part_of_the_tenant_nothing_is_shown),
        cmocka_unit_test(the_working_role_can_only_add),
        cmocka_unit_test(the_months_themselves_are_closed_to_it),
        cmocka_unit_test(a_statement_without_its_tenant_sees_one_tenant_only),
        cmocka_unit_test(a_record_of_another_tenant_cannot_be_slipped_in),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
        cmocka_unit_test(poison_goes_to_the_dead_and_the_rest_goes_on),
        cmocka_unit_test(two_replicas_killed_in_mid_load_store_each_record_once),
        cmocka_unit_test(a_database_that_goes_away_loses_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
