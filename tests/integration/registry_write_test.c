/* What every write of registry has: done once under an idempotency key, recorded for the auditor. */
#include "nwims/v1/audit.pb-c.h"
#include "tests/integration/registry_stack.h"

static struct rpc_caller keyed(int32_t tenant_id, const char *key)
{
    struct rpc_caller caller = caller_of(tenant_id, "*:*");
    snprintf(caller.idempotency_key, sizeof caller.idempotency_key, "%s", key);
    return caller;
}

static Nwims__V1__Municipality named(const char *code, const char *name)
{
    Nwims__V1__Municipality request = NWIMS__V1__MUNICIPALITY__INIT;
    request.code = text_of(code);
    request.name = text_of(name);
    return request;
}

/* ---- idempotency ---- */
static void a_write_with_a_key_is_done_once(void **state)
{
    (void)state;
    struct rpc_caller caller = keyed(1, "key-1");
    Nwims__V1__Municipality request = named("ONCE", "Once");
    ProtobufCMessage *first = NULL, *again = NULL;
    assert_int_equal(call_as(&caller, "CreateMunicipality", &request, &first), ERR_NONE);
    assert_int_equal(call_as(&caller, "CreateMunicipality", &request, &again), ERR_NONE);
    const Nwims__V1__Municipality *made = (Nwims__V1__Municipality *)first, *same = (Nwims__V1__Municipality *)again;
    assert_string_equal(made->id, same->id);
    assert_true(made->created_at == same->created_at);
    assert_string_equal(same->name, "Once");
    struct rpc_caller without = caller_of(1, "*:*");
    assert_int_equal(call_as(&without, "CreateMunicipality", &request, NULL), ERR_CONFLICT);
}

static void a_repeat_is_answered_even_after_the_thing_has_gone(void **state)
{
    (void)state;
    struct rpc_caller making = keyed(2, "make"), deleting = keyed(2, "delete");
    Nwims__V1__Municipality request = named("GONE", "Gone");
    ProtobufCMessage *made = NULL, *again = NULL;
    assert_int_equal(call_as(&making, "CreateMunicipality", &request, &made), ERR_NONE);
    Nwims__V1__ById id = by_id(((Nwims__V1__Municipality *)made)->id);
    assert_int_equal(call_as(&deleting, "DeleteMunicipality", &id, NULL), ERR_NONE);
    assert_int_equal(call_as(&deleting, "DeleteMunicipality", &id, NULL), ERR_NONE);
    assert_int_equal(call_as(&making, "CreateMunicipality", &request, &again), ERR_NONE);
    assert_string_equal(((Nwims__V1__Municipality *)again)->id, id.id);
    assert_int_equal(try(2, "GetMunicipality", &id), ERR_NOT_FOUND);
}

static void a_key_is_for_one_request_only(void **state)
{
    (void)state;
    struct rpc_caller caller = keyed(3, "key");
    Nwims__V1__Municipality request = named("ONE", "One"), other = named("TWO", "Two");
    Nwims__V1__ById id = by_id("ONE");
    assert_int_equal(call_as(&caller, "CreateMunicipality", &request, NULL), ERR_NONE);
    assert_int_equal(call_as(&caller, "CreateMunicipality", &other, NULL), ERR_INPUT);
    assert_int_equal(failure->n_violations, 1);
    assert_string_equal(failure->violations[0]->field, "Idempotency-Key");
    assert_int_equal(call_as(&caller, "DeleteMunicipality", &id, NULL), ERR_INPUT); /* another method is another too */
    id = by_id("TWO");
    assert_int_equal(try(3, "GetMunicipality", &id), ERR_NOT_FOUND);
}

static void a_key_is_its_tenants_and_its_actors(void **state)
{
    (void)state;
    struct rpc_caller one = keyed(4, "shared"), two = keyed(5, "shared"), three = keyed(4, "shared");
    snprintf(three.actor, sizeof three.actor, "somebody else");
    Nwims__V1__Municipality request = named("MINE", "Mine"), other = named("OTHER", "Other");
    ProtobufCMessage *first = NULL, *second = NULL;
    assert_int_equal(call_as(&one, "CreateMunicipality", &request, &first), ERR_NONE);
    assert_int_equal(call_as(&two, "CreateMunicipality", &request, &second), ERR_NONE);
    assert_string_not_equal(((Nwims__V1__Municipality *)first)->id, ((Nwims__V1__Municipality *)second)->id);
    assert_int_equal(call_as(&three, "CreateMunicipality", &other, NULL), ERR_NONE);
}

static void what_failed_may_be_tried_again_with_the_same_key(void **state)
{
    (void)state;
    struct rpc_caller caller = keyed(6, "key");
    Nwims__V1__Municipality request = named("NOW", "Now"), clash = named("NOW", "First");
    Nwims__V1__Municipality *first = call(6, "CreateMunicipality", &clash);
    assert_int_equal(call_as(&caller, "CreateMunicipality", &request, NULL), ERR_CONFLICT);
    Nwims__V1__ById id = by_id(first->id);
    call(6, "DeleteMunicipality", &id);
    assert_int_equal(call_as(&caller, "CreateMunicipality", &request, NULL), ERR_NONE);
}

static void a_permission_that_was_taken_away_counts_for_repeats_too(void **state)
{
    (void)state;
    struct rpc_caller caller = keyed(7, "key");
    Nwims__V1__Municipality request = named("A", "A");
    assert_int_equal(call_as(&caller, "CreateMunicipality", &request, NULL), ERR_NONE);
    snprintf(caller.permissions, sizeof caller.permissions, "municipalities:read");
    assert_int_equal(call_as(&caller, "CreateMunicipality", &request, NULL), ERR_DENIED);
}

/* ---- at the same time ---- */
enum { RACERS = 8 };
struct racer {
    pthread_t thread;
    char id[40];
    enum err_kind kind;
};

static void *race(void *context)
{
    struct racer *racer = context;
    struct rpc_caller caller = keyed(8, "race");
    Nwims__V1__Municipality request = NWIMS__V1__MUNICIPALITY__INIT;
    char code[] = "RACE", name[] = "Race";
    AUTO_INPLACE(arena) own;
    struct err err = { 0 };
    ProtobufCMessage *reply = NULL;
    arena_init(&own, 1024 * 1024);
    request.code = code;
    request.name = name;
    bool ok = rpc_call(bus, &nwims__v1__registry__descriptor, "CreateMunicipality", &caller, &request.base, 30000, &own,
        &reply, NULL, &err);
    racer->kind = ok ? ERR_NONE : err.kind;
    if (ok)
        snprintf(racer->id, sizeof racer->id, "%s", ((Nwims__V1__Municipality *)reply)->id);
    return NULL;
}

static void of_many_at_once_one_does_it_and_all_are_answered(void **state)
{
    (void)state;
    struct racer racers[RACERS] = { 0 };
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < RACERS; i++)
        pthread_join(racers[i].thread, NULL);
    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(racers[i].kind, ERR_NONE);
        assert_string_equal(racers[i].id, racers[0].id);
    }
}

static void a_secret_is_not_kept_for_a_repeat(void **state)
{
    (void)state;
    struct rpc_caller caller = keyed(9, "credential");
    Nwims__V1__CreateCredentialRequest request = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    request.id = make_device(9, "LOGGER");
    assert_int_equal(call_as(&caller, "CreateCredential", &request, &reply), ERR_NONE);
    assert_non_null(((Nwims__V1__Credential *)reply)->secret);
    assert_int_equal(call_as(&caller, "CreateCredential", &request, NULL), ERR_CONFLICT);
    assert_non_null(strstr(err_text, "shown only once"));
    Nwims__V1__ById device = by_id("LOGGER");
    assert_int_equal(((Nwims__V1__ListCredentialsReply *)call(9, "ListCredentials", &device))->n_items, 1);
    assert_int_equal(count_as("nwims_registry_owner", 0,
                         "SELECT count(*) FROM idempotency WHERE tenant_id = 9 AND (reply IS NOT NULL OR reply::text "
                         "LIKE '%nwd%')"),
        0);
}

static void a_key_is_free_again_after_a_day_and_old_ones_go(void **state)
{
    (void)state;
    struct rpc_caller old = keyed(10, "old"), older = keyed(10, "older"), fresh = keyed(10, "fresh");
    Nwims__V1__Municipality one = named("ONE", "One"), two = named("TWO", "Two"), three = named("THREE", "Three"),
                            four = named("FOUR", "Four");
    assert_int_equal(call_as(&old, "CreateMunicipality", &one, NULL), ERR_NONE);
    assert_int_equal(call_as(&older, "CreateMunicipality", &two, NULL), ERR_NONE);
    run("nwims_registry_owner",
        "UPDATE registry.idempotency SET created_at = now() - interval '25 hours' WHERE tenant_id = 10");
    assert_int_equal(call_as(&old, "CreateMunicipality", &three, NULL), ERR_NONE); /* another request by now */
    assert_int_equal(call_as(&fresh, "CreateMunicipality", &four, NULL), ERR_NONE);
    assert_int_equal(count_as("nwims_registry_owner", 0, "SELECT count(*) FROM idempotency WHERE tenant_id = 10"), 2);
}

/* ---- audit ---- */
static void every_write_leaves_a_record_that_names_what_was_set(void **state)
{
    (void)state;
    Nwims__V1__Municipality request = named("SEEN", "Seen"), patch = NWIMS__V1__MUNICIPALITY__INIT;
    Nwims__V1__Municipality *made = call(11, "CreateMunicipality", &request);
    expect_audit(11, "municipality.created", made->id, "{\"fields\":[\"code\",\"name\"]}");
    patch.id = made->id;
    patch.code = text_of("SEEN-2");
    patch.has_population = true;
    patch.population = 7;
    call(11, "UpdateMunicipality", &patch);
    expect_audit(11, "municipality.updated", made->id, "{\"fields\":[\"code\",\"population\"]}");
    Nwims__V1__ById id = by_id(made->id);
    call(11, "DeleteMunicipality", &id);
    expect_audit(11, "municipality.deleted", made->id, "");
    assert_int_equal(count_audits(made->id), 3); /* a new code is one change, though it is told of twice */
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(8, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_with_a_key_is_done_once),
        cmocka_unit_test(a_repeat_is_answered_even_after_the_thing_has_gone),
        cmocka_unit_test(a_key_is_for_one_request_only),
        cmocka_unit_test(a_key_is_its_tenants_and_its_actors),
        cmocka_unit_test(what_failed_may_be_tried_again_with_the_same_key),
        cmocka_unit_test(a_permission_that_was_taken_away_counts_for_repeats_too),
        cmocka_unit_test(of_many_at_once_one_does_it_and_all_are_answered),
        cmocka_unit_test(a_secret_is_not_kept_for_a_repeat),
        cmocka_unit_test(a_key_is_free_again_after_a_day_and_old_ones_go),
        cmocka_unit_test(every_write_leaves_a_record_that_names_what_was_set),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
