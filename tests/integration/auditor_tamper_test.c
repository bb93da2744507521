/* Somebody with all rights in the database changes the audit behind the auditor's back, each time in another tenant's
 * chain: each is found and named. */
#include "auth/auth.h"
#include "tests/integration/auditor_stack.h"

static struct stack stack;
enum { RECORDS = 20 };

/* A chain of twenty records whose end is signed. */
static void prepare(int32_t tenant_id)
{
    stack_fill(&stack, tenant_id, RECORDS);
    stack_wait_sealed(&stack, tenant_id, RECORDS);
    assert_int_equal(stack_verify(&stack, tenant_id)->problem_count, 0);
}

static void id_of(int32_t tenant_id, int64_t sequence, char id[64])
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) row = NULL;
    must(store_session_open(&session, stack.superuser, &err) &&
             store_query(session, &row, "SELECT id FROM record WHERE tenant_id = $1::int4 AND sequence = $2::int8",
                 PARAMS(PARAM_INT(tenant_id), PARAM_INT(sequence)), &err),
        &err);
    snprintf(id, 64, "%s", store_result_text(row, 0, 0));
}

static const Nwims__V1__ChainProblem *find(
    const Nwims__V1__VerifyChainReply *reply, const char *kind, int64_t sequence, const char *id)
{
    for (size_t i = 0; i < reply->n_problems; i++) {
        const Nwims__V1__ChainProblem *problem = reply->problems[i];
        if (strcmp(problem->kind, kind) == 0 && (sequence == 0 || problem->sequence == sequence) &&
            (!id || (problem->id && strcmp(problem->id, id) == 0)))
            return problem;
    }
    for (size_t i = 0; i < reply->n_problems; i++)
        print_error("found: %s at %" PRId64 " to %" PRId64 " %s: %s\n", reply->problems[i]->kind,
            reply->problems[i]->sequence, reply->problems[i]->last_sequence,
            reply->problems[i]->id ? reply->problems[i]->id : "-", reply->problems[i]->reason);
    fail_msg("no problem %s at %" PRId64 " %s", kind, sequence, id ? id : "");
    return NULL;
}

static void every_column_that_is_changed_is_found(void **state)
{
    static const char *const columns[] = { "detail = '{}'", "detail = NULL", "peer = ''", "actor = 'somebody'",
        "action = 'sensor.read'", "entity = 'zone'", "entity_id = 's-0'", "outcome = 'failed'", "request_id = NULL",
        "trace_id = 't'", "happened_at = happened_at - interval '1 microsecond'",
        "recorded_at = recorded_at + interval '1 microsecond'", "id = gen_random_uuid()", "hash = sha256('x')",
        "previous = sha256('x')" };
    char sql[256], id[64];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        int32_t tenant_id = 100 + (int32_t)i;
        stack_fill(&stack, tenant_id, 9);
        snprintf(sql, sizeof sql, "UPDATE audit.record SET %s WHERE tenant_id = %d AND sequence = 5", columns[i],
            (int)tenant_id);
        stack_sql(&stack, sql);
        id_of(tenant_id, 5, id);
        const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, tenant_id);
        assert_false(reply->ok);
        find(reply, "changed", 5, id);
        assert_int_equal(reply->problem_count, 1); /* and nothing else is accused */
    }
}

static void a_record_that_is_removed_is_found(void **state)
{
    (void)state;
    prepare(120);
    stack_sql(&stack, "DELETE FROM audit.record WHERE tenant_id = 120 AND sequence IN (7, 8)");
    const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, 120);
    assert_int_equal(find(reply, "missing", 7, NULL)->last_sequence, 8);
    assert_int_equal(reply->problem_count, 1);
}

static void the_first_record_that_is_removed_is_found(void **state)
{
    (void)state;
    prepare(121);
    stack_sql(&stack, "DELETE FROM audit.record WHERE tenant_id = 121 AND sequence = 1");
    find(stack_verify(&stack, 121), "missing", 1, NULL);
}

static void a_cut_tail_is_found_and_never_signed(void **state)
{
    char sql[128];
    (void)state;
    prepare(122);
    stack_sql(&stack, "DELETE FROM audit.record WHERE tenant_id = 122 AND sequence > 18");
    const Nwims__V1__ChainProblem *problem = find(stack_verify(&stack, 122), "missing", 19, NULL);
    assert_int_equal(problem->last_sequence, 20);
    assert_true(problem->has_head_ends_at);
    int64_t heads = stack_number(&stack, "SELECT count(*) FROM audit.head WHERE tenant_id = 122");
    stack_fill(&stack, 123, 1);
    stack_wait_sealed(&stack, 123, 1); /* others are signed meanwhile */
    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit.head WHERE tenant_id = 122");
    assert_int_equal(stack_number(&stack, sql), heads);
}

static void a_tail_that_is_cut_and_grows_again_is_found(void **state)
{
    char id[UUID_TEXT_SIZE];
    (void)state;
    prepare(124);
    stack_sql(&stack, "DELETE FROM audit.record WHERE tenant_id = 124 AND sequence = 20");
    Nwims__V1__AuditRecord record = stack_record(id, 124, 99);
    stack_publish(&stack, &record, id);
    stack_wait_for(&stack, "SELECT count(*) FROM audit.record WHERE tenant_id = 124 AND sequence = 20", 1);
    find(stack_verify(&stack, 124), "head_differs", 20, NULL);
}

static void a_record_that_is_inserted_is_found(void **state)
{
    char id[64] = "019b76da-a800-7000-8000-000000000001";
    (void)state;
    prepare(125);
    stack_sql(&stack,
        "INSERT INTO audit.record SELECT date_trunc('month', now()) + interval '1 month 1 day', happened_at, sequence, "
        "'019b76da-a800-7000-8000-000000000001', tenant_id, outcome, action, 'intruder', entity, entity_id, peer, "
        "request_id, trace_id, detail, previous, hash FROM audit.record WHERE tenant_id = 125 AND sequence = 5");
    const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, 125);
    find(reply, "inserted", 5, id);
}

static void two_records_that_are_swapped_are_found(void **state)
{
    char first[64], second[64];
    (void)state;
    prepare(126);
    stack_sql(&stack, "UPDATE audit.record SET sequence = 1000 WHERE tenant_id = 126 AND sequence = 8;"
                      "UPDATE audit.record SET sequence = 8 WHERE tenant_id = 126 AND sequence = 9;"
                      "UPDATE audit.record SET sequence = 9 WHERE tenant_id = 126 AND sequence = 1000");
    id_of(126, 8, first);
    id_of(126, 9, second);
    const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, 126);
    find(reply, "changed", 8, first);
    find(reply, "changed", 9, second);
}

/* The layout of chain.h in SQL, so that a forger with all rights can hash anew. */
static const char forger[] =
    "CREATE FUNCTION part(t text) RETURNS bytea LANGUAGE sql AS $$ SELECT CASE WHEN t IS NULL THEN "
    "'\\xffffffff'::bytea ELSE int4send(octet_length(t)) || convert_to(t, 'UTF8') END $$;"
    "CREATE FUNCTION us(t timestamptz) RETURNS bytea LANGUAGE sql AS $$ SELECT int8send((extract(epoch FROM t) * "
    "1000000)::int8) $$;"
    "CREATE FUNCTION forged_hash(r audit.record) RETURNS bytea LANGUAGE sql AS $$ SELECT sha256(r.previous || 'NWIMS "
    "audit 1'::bytea || int4send(r.tenant_id) || int8send(r.sequence) || us(r.recorded_at) || us(r.happened_at) || "
    "uuid_send(r.id) || part(r.actor) || part(r.action) || part(r.entity) || part(r.entity_id) || part(r.outcome) || "
    "part(r.peer) || part(r.request_id) || part(r.trace_id) || part(r.detail)) $$";

static void a_record_that_is_hashed_anew_breaks_the_next_link(void **state)
{
    (void)state;
    prepare(127);
    stack_sql(&stack, forger);
    stack_sql(&stack, "UPDATE audit.record SET actor = 'somebody else' WHERE tenant_id = 127 AND sequence = 11;"
                      "UPDATE audit.record r SET hash = forged_hash(r) WHERE tenant_id = 127 AND sequence = 11");
    find(stack_verify(&stack, 127), "unlinked", 12, NULL);
}

static void an_end_that_is_written_anew_is_found_by_the_signed_head(void **state)
{
    (void)state;
    prepare(128);
    stack_sql(&stack, "UPDATE audit.record SET actor = 'somebody else' WHERE tenant_id = 128 AND sequence = 20;"
                      "UPDATE audit.record r SET hash = forged_hash(r) WHERE tenant_id = 128 AND sequence = 20");
    const Nwims__V1__VerifyChainReply *reply = stack_verify(&stack, 128);
    find(reply, "head_differs", 20, NULL);
}

static void a_head_that_is_changed_is_found(void **state)
{
    static const char *const changes[] = { "sequence = sequence - 1", "hash = sha256('x')", "previous = sha256('x')",
        "signed_at = signed_at - interval '1 hour'", "kid = 'mine'",
        "jws = left(jws, -10) || translate(substr(jws, length(jws) - 9, 1), 'A' || substr(jws, length(jws) - 9, 1), "
        "'BA') "
        "|| right(jws, 9)" };
    char sql[512];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        int32_t tenant_id = 130 + (int32_t)i;
        prepare(tenant_id);
        snprintf(sql, sizeof sql,
            "UPDATE audit.head SET %s WHERE tenant_id = %d AND ends_at = (SELECT min(ends_at) FROM audit.head WHERE "
            "tenant_id = %d AND sequence > 0)",
            changes[i], (int)tenant_id, (int)tenant_id);
        stack_sql(&stack, sql);
        find(stack_verify(&stack, tenant_id), "head_changed", 0, NULL);
    }
}

static void a_head_that_is_removed_from_between_is_found(void **state)
{
    (void)state;
    prepare(140);
    stack_wait_for(&stack, "SELECT count(*) FROM audit.head WHERE tenant_id = 140", 3);
    stack_sql(&stack,
        "DELETE FROM audit.head WHERE tenant_id = 140 AND ends_at = (SELECT ends_at FROM audit.head WHERE "
        "tenant_id = 140 ORDER BY ends_at OFFSET 1 LIMIT 1)");
    find(stack_verify(&stack, 140), "head_missing", 0, NULL);
}

/* The forger makes a key of his own, puts it into the table and writes head and signature anew. */
static void a_key_that_is_planted_signs_nothing_we_believe(void **state)
{
    struct err err = { 0 };
    AUTO(signing_key) key = NULL;
    AUTO_INPLACE(buffer) pem = { 0 };
    AUTO(store_session) session = NULL;
    char x[48], y[48];
    (void)state;
    prepare(141);
    must(signing_key_new(&key, &err) && signing_key_to_pem(key, &pem, &err) && signing_key_public(key, x, y, &err) &&
             store_session_open(&session, stack.superuser, &err) &&
             store_run(session,
                 "INSERT INTO signing_key (kid, private_key, x, y, created_at) VALUES ('planted', $1, $2, $3, now() - "
                 "interval '1 day')",
                 PARAMS(PARAM_BYTES(pem.data, pem.size), PARAM_TEXT(x), PARAM_TEXT(y)), NULL, &err) &&
             store_run(session, "UPDATE head SET kid = 'planted' WHERE tenant_id = 141", NO_PARAMS, NULL, &err),
        &err);
    find(stack_verify(&stack, 141), "head_changed", 0, NULL);
    const Nwims__V1__Empty nothing = NWIMS__V1__EMPTY__INIT;
    const Nwims__V1__AuditKeys *keys = stack_call(&stack, 141, "ListAuditKeys", &nothing.base);
    for (size_t i = 0; i < keys->n_keys; i++)
        assert_string_not_equal(keys->keys[i]->kid, "planted");
    prepare(142); /* and the true key goes on */
}

static void a_hash_kept_elsewhere_shows_what_nothing_else_does(void **state)
{
    Nwims__V1__VerifyChainRequest request = NWIMS__V1__VERIFY_CHAIN_REQUEST__INIT;
    char kept[80];
    (void)state;
    prepare(143);
    snprintf(kept, sizeof kept, "%s", stack_verify(&stack, 143)->last_hash);
    request.has_expected_sequence = true;
    request.expected_sequence = RECORDS;
    request.expected_hash = kept;
    const Nwims__V1__VerifyChainReply *reply = stack_call(&stack, 143, "VerifyChain", &request.base);
    assert_true(reply->ok);
    kept[0] = kept[0] == '0' ? '1' : '0';
    reply = stack_call(&stack, 143, "VerifyChain", &request.base);
    find(reply, "differs", RECORDS, NULL);
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
        cmocka_unit_test(every_column_that_is_changed_is_found),
        cmocka_unit_test(a_record_that_is_removed_is_found),
        cmocka_unit_test(the_first_record_that_is_removed_is_found),
        cmocka_unit_test(a_cut_tail_is_found_and_never_signed),
        cmocka_unit_test(a_tail_that_is_cut_and_grows_again_is_found),
        cmocka_unit_test(a_record_that_is_inserted_is_found),
        cmocka_unit_test(two_records_that_are_swapped_are_found),
        cmocka_unit_test(a_record_that_is_hashed_anew_breaks_the_next_link),
        cmocka_unit_test(an_end_that_is_written_anew_is_found_by_the_signed_head),
        cmocka_unit_test(a_head_that_is_changed_is_found),
        cmocka_unit_test(a_head_that_is_removed_from_between_is_found),
        cmocka_unit_test(a_key_that_is_planted_signs_nothing_we_believe),
        cmocka_unit_test(a_hash_kept_elsewhere_shows_what_nothing_else_does),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
