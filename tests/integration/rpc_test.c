/* Calls over a real bus: what arrives, how failures come back, deadlines, full queues, metrics. Serves the descriptor
 * of Identity with handlers of its own. */
#include "base/clock.h"
#include "metrics/metrics.h"
#include "nwims/v1/common.pb-c.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/identity.pb-c.h"
#include "rpc/rpc.h"
#include "tests/support/test_process.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IDENTITY (&nwims__v1__identity__descriptor)
enum { ARENA_BYTES = 1024 * 1024, CALL_MS = 3000 };

static struct test_nats nats;
static struct bus *bus, *client;
static struct rpc_server *server;
static atomic_int handled, slow_ms;
static struct rpc_caller seen;
static int64_t seen_left_ms;

/* ---- handlers ---------------------------------------------------------------------------------------------------- */
/* Fails as the caller wishes: the name of the tenant is the kind of error. */
static bool fail_as_told(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    const Nwims__V1__Tenant *tenant = request;
    (void)context, (void)reply;
    if (strcmp(tenant->name, "violations") == 0) {
        rpc_violation(call, err, "name", "is %s", "too long");
        for (int i = 0; i < 20; i++)
            rpc_violation(call, err, "code", "is wrong for the %dth time", i);
        return false;
    }
    if (strcmp(tenant->name, "silent") == 0)
        return false;
    for (int kind = ERR_CONFIG; kind <= ERR_BUG; kind++)
        if (strcmp(err_kind_name((enum err_kind)kind), tenant->name) == 0)
            return err_set(err, (enum err_kind)kind, "the secret\r\nof %s \xc3\xa9", tenant->name);
    return err_set(err, ERR_BUG, "unknown kind");
}

static bool look_at_caller(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    Nwims__V1__Me *me = reply;
    (void)context, (void)request, (void)err;
    seen = *call->caller;
    seen_left_ms = (call->deadline_us - clock_monotonic_us()) / 1000;
    me->id = arena_text(call->arena, call->caller->actor);
    me->has_tenant_id = true;
    me->tenant_id = call->caller->tenant_id;
    return true;
}

static bool be_slow(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)context, (void)call, (void)request, (void)reply, (void)err;
    atomic_fetch_add(&handled, 1);
    clock_sleep_ms(atomic_load(&slow_ms));
    return true;
}

static bool send_large(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    Nwims__V1__TokenReply *tokens = reply;
    (void)context, (void)request;
    char *text = arena_alloc(call->arena, 12 * 1024 * 1024);
    if (!text)
        return err_set(err, ERR_LIMIT, "arena");
    memset(text, 'x', 12 * 1024 * 1024 - 1);
    tokens->access_token = text;
    return true;
}

static bool do_nothing(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)context, (void)call, (void)request, (void)reply, (void)err;
    return true;
}

/* What the tests call; every other method of the service, however many there come to be, does nothing. */
static const struct rpc_method used[] = {
    { "Refresh", send_large },
    { "GetMe", look_at_caller },
    { "GetJwks", be_slow },
    { "CreateTenant", fail_as_told },
};
enum { MOST_METHODS = 256 };
static struct rpc_method methods[MOST_METHODS + 1];

static void list_methods(void)
{
    assert_in_range(IDENTITY->n_methods, COUNT_OF(used), MOST_METHODS);
    for (unsigned i = 0; i < IDENTITY->n_methods; i++) {
        methods[i] = (struct rpc_method){ IDENTITY->methods[i].name, do_nothing };
        for (size_t k = 0; k < COUNT_OF(used); k++)
            if (strcmp(used[k].name, methods[i].name) == 0)
                methods[i] = used[k];
    }
}

static const struct rpc_server_config server_config = {
    .service = IDENTITY, .methods = methods, .workers = 2, .queue = 2, .arena_bytes = 32 * 1024 * 1024
};

static int start(void **state)
{
    struct err err = { 0 };
    (void)state;
    log_start("rpc-test", "0", LOG_ERROR);
    test_nats_start(&nats);
    list_methods();
    struct bus_config config = { .url = nats.url, .user = "", .password = "", .name = "rpc-test" };
    if (bus_open(&bus, &config, &err) && bus_open(&client, &config, &err) &&
        rpc_server_open(&server, bus, &server_config, &err))
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    rpc_server_close(server);
    bus_close(client);
    bus_close(bus);
    return 0;
}

struct outcome {
    struct arena arena;
    struct err err;
    ProtobufCMessage *reply;
    struct Nwims__V1__Failure *failure;
    bool ok;
};

static void outcome_done(struct outcome *outcome)
{
    arena_done(&outcome->arena);
}

static void call(struct outcome *outcome, const char *method, const struct rpc_caller *caller,
    const ProtobufCMessage *request, int64_t timeout_ms)
{
    *outcome = (struct outcome){ 0 };
    arena_init(&outcome->arena, ARENA_BYTES);
    outcome->ok = rpc_call(client, IDENTITY, method, caller, request, timeout_ms, &outcome->arena, &outcome->reply,
        &outcome->failure, &outcome->err);
}

static double counter(const char *labels)
{
    return metric_value(metrics_counter("rpc_server_refused_total", labels, ""));
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */
static void the_caller_arrives_with_the_call(void **state)
{
    struct rpc_caller caller = { .tenant_id = 7,
        .actor = "somebody",
        .permissions = "sensors:read zones:*",
        .request_id = "request-1",
        .peer = "192.0.2.1",
        .scope = "m:0190f6c2-7b1c-7cc0-8000-000000000001",
        .idempotency_key = "once" };
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    AUTO_INPLACE(outcome) outcome;
    (void)state;
    trace_begin(&caller.trace, NULL);
    call(&outcome, "GetMe", &caller, &empty.base, CALL_MS);
    assert_true(outcome.ok);
    const Nwims__V1__Me *me = (const Nwims__V1__Me *)outcome.reply;
    assert_string_equal(me->id, "somebody");
    assert_int_equal(me->tenant_id, 7);
    assert_string_equal(seen.permissions, caller.permissions);
    assert_string_equal(seen.request_id, "request-1");
    assert_string_equal(seen.peer, "192.0.2.1");
    assert_string_equal(seen.scope, "m:0190f6c2-7b1c-7cc0-8000-000000000001");
    assert_string_equal(seen.idempotency_key, "once");
    assert_string_equal(seen.trace.trace_id, caller.trace.trace_id);
    assert_string_not_equal(seen.trace.span_id, caller.trace.span_id);
    assert_true(seen_left_ms > CALL_MS - 1000 && seen_left_ms <= CALL_MS);
}

static void nobody_may_call_too(void **state)
{
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    AUTO_INPLACE(outcome) outcome;
    (void)state;
    call(&outcome, "GetMe", NULL, &empty.base, CALL_MS);
    assert_true(outcome.ok);
    assert_int_equal(seen.tenant_id, 0);
    assert_string_equal(seen.permissions, "");
    assert_int_equal(strlen(seen.trace.trace_id), 32);
}

static void failures_come_back_as_what_they_are(void **state)
{
    static const struct {
        enum err_kind kind, arrives;
        const char *text;
    } cases[] = {
        { ERR_INPUT, ERR_INPUT, "the secret\r\nof input \xc3\xa9" },
        { ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED, "the secret\r\nof unauthenticated \xc3\xa9" },
        { ERR_DENIED, ERR_DENIED, "the secret\r\nof denied \xc3\xa9" },
        { ERR_NOT_FOUND, ERR_NOT_FOUND, "the secret\r\nof not_found \xc3\xa9" },
        { ERR_CONFLICT, ERR_CONFLICT, "the secret\r\nof conflict \xc3\xa9" },
        { ERR_DEADLINE, ERR_DEADLINE, "the secret\r\nof deadline \xc3\xa9" },
        { ERR_LIMIT, ERR_LIMIT, "the secret\r\nof limit \xc3\xa9" },
        { ERR_TRANSIENT, ERR_TRANSIENT, "temporarily unavailable, try again" },
        { ERR_CONFIG, ERR_BUG, "internal error" },
        { ERR_BUG, ERR_BUG, "internal error" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Nwims__V1__Tenant request = NWIMS__V1__TENANT__INIT;
        AUTO_INPLACE(outcome) outcome;
        request.name = (char *)(uintptr_t)err_kind_name(cases[i].kind);
        call(&outcome, "CreateTenant", NULL, &request.base, CALL_MS);
        assert_false(outcome.ok);
        assert_int_equal(outcome.err.kind, cases[i].arrives);
        assert_string_equal(outcome.err.text, cases[i].text);
        assert_non_null(outcome.failure);
        assert_int_equal(outcome.failure->n_violations, 0);
    }
}

static void violations_come_back_one_by_one(void **state)
{
    Nwims__V1__Tenant request = NWIMS__V1__TENANT__INIT;
    AUTO_INPLACE(outcome) outcome;
    (void)state;
    request.name = (char *)(uintptr_t) "violations";
    call(&outcome, "CreateTenant", NULL, &request.base, CALL_MS);
    assert_false(outcome.ok);
    assert_int_equal(outcome.err.kind, ERR_INPUT);
    assert_non_null(outcome.failure);
    assert_int_equal(outcome.failure->n_violations, 21);
    assert_string_equal(outcome.failure->violations[0]->field, "name");
    assert_string_equal(outcome.failure->violations[0]->reason, "is too long");
    assert_string_equal(outcome.failure->violations[20]->reason, "is wrong for the 19th time");
}

static void a_failure_without_a_reason_is_no_success(void **state)
{
    Nwims__V1__Tenant request = NWIMS__V1__TENANT__INIT;
    AUTO_INPLACE(outcome) outcome;
    (void)state;
    request.name = (char *)(uintptr_t) "silent";
    call(&outcome, "CreateTenant", NULL, &request.base, CALL_MS);
    assert_false(outcome.ok);
    assert_int_equal(outcome.err.kind, ERR_BUG);
}

static void a_reply_that_is_too_large_is_a_failure(void **state)
{
    Nwims__V1__RefreshRequest request = NWIMS__V1__REFRESH_REQUEST__INIT;
    AUTO_INPLACE(outcome) outcome;
    (void)state;
    call(&outcome, "Refresh", NULL, &request.base, CALL_MS);
    assert_false(outcome.ok);
    assert_int_equal(outcome.err.kind, ERR_LIMIT);
}

/* ---- raw messages ------------------------------------------------------------------------------------------------ */
static int status_of(const char *subject, const void *data, size_t size, const struct bus_header *header)
{
    struct err err = { 0 };
    AUTO(bus_message) reply = NULL;
    struct bus_outgoing request = { subject, data, size, header, header ? 1 : 0 };
    if (!bus_request(client, &request, CALL_MS, &reply, &err))
        fail_msg("%s: %s", subject, err.text);
    const char *status = bus_message_header(reply, "Nwims-Status");
    assert_non_null(status);
    return atoi(status);
}

static void strange_messages_are_answered_and_do_no_harm(void **state)
{
    static const char zeros[2000];
    char long_text[1200];
    (void)state;
    assert_int_equal(status_of("rpc.identity.NoSuchMethod", "", 0, NULL), 12);
    assert_int_equal(status_of("rpc.identity.getme", "", 0, NULL), 12);
    assert_int_equal(status_of("rpc.identity.Login", zeros, sizeof zeros, NULL), 3);
    assert_int_equal(status_of("rpc.identity.Login", "\x0a\x02\xff\xfe", 4, NULL), 3); /* no UTF-8 */
    memset(long_text, 'p', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const struct bus_header bad[] = { { "Nwims-Tenant", "-1" }, { "Nwims-Tenant", "7x" },
        { "Nwims-Tenant", "99999999999" }, { "Nwims-Permissions", long_text }, { "Nwims-Actor", long_text } };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(status_of("rpc.identity.GetMe", "", 0, &bad[i]), 3);
    const struct bus_header over[] = { { "Nwims-Deadline-Ms", "0" }, { "Nwims-Deadline-Ms", "-5" } };
    double late = counter("service=\"Identity\",reason=\"late\"");
    for (size_t i = 0; i < COUNT_OF(over); i++)
        assert_int_equal(status_of("rpc.identity.GetMe", "", 0, &over[i]), 4);
    assert_true(counter("service=\"Identity\",reason=\"late\"") == late + 2);
    const struct bus_header fine[] = { { "Nwims-Deadline-Ms", "soon" }, { "traceparent", "nonsense" },
        { "Nwims-Deadline-Ms", "999999999999" } };
    for (size_t i = 0; i < COUNT_OF(fine); i++)
        assert_int_equal(status_of("rpc.identity.GetMe", "", 0, &fine[i]), 0);
}

static void answer_with_garbage(void *context, struct bus_message *message)
{
    const struct bus_header *header = context;
    struct err err = { 0 };
    assert_true(bus_reply(client, message, "\xff\xff", 2, header, header->name ? 1 : 0, &err));
    bus_message_close(message);
}

/* Another service's descriptor, served by nobody but this test. */
static void a_reply_that_is_none_is_told_from_a_wrong_request(void **state)
{
    static const struct {
        struct bus_header header;
        enum err_kind expect;
    } cases[] = {
        { { NULL, NULL }, ERR_BUG }, { { "Nwims-Status", "nonsense" }, ERR_BUG }, { { "Nwims-Status", "17" }, ERR_BUG },
        { { "Nwims-Status", "0" }, ERR_BUG },       /* garbage where the reply should be */
        { { "Nwims-Status", "5" }, ERR_NOT_FOUND }, /* garbage where the failure should be */
    };
    (void)state;
    const ProtobufCServiceDescriptor *history = &nwims__v1__history__descriptor;
    const ProtobufCMethodDescriptor *method = &history->methods[0];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct err err = { 0 };
        ProtobufCMessage *reply;
        AUTO(bus_subscription) subscription = NULL;
        arena_init(&arena, ARENA_BYTES);
        assert_true(bus_subscribe(&subscription, client, "rpc.history.*", NULL, answer_with_garbage,
            (void *)(uintptr_t)&cases[i].header, &err));
        clock_sleep_ms(20);
        ProtobufCMessage *request = wire_new(&arena, method->input);
        assert_false(rpc_call(bus, history, method->name, NULL, request, CALL_MS, &arena, &reply, NULL, &err));
        assert_int_equal(err.kind, cases[i].expect);
        arena_done(&arena);
    }
}

static void wrong_uses_are_bugs(void **state)
{
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    struct rpc_caller caller = { .actor = "a\r\nNwims-Permissions: *:*" };
    struct err err = { 0 };
    AUTO_INPLACE(outcome) none;
    AUTO_INPLACE(outcome) other;
    AUTO_INPLACE(outcome) smuggled;
    AUTO_INPLACE(outcome) late;
    (void)state;
    call(&none, "NoSuchMethod", NULL, &empty.base, CALL_MS);
    assert_int_equal(none.err.kind, ERR_BUG);
    call(&other, "Login", NULL, &empty.base, CALL_MS); /* Login takes another message */
    assert_int_equal(other.err.kind, ERR_BUG);
    call(&smuggled, "GetMe", &caller, &empty.base, CALL_MS);
    assert_int_equal(smuggled.err.kind, ERR_INPUT);
    call(&late, "GetMe", NULL, &empty.base, 0);
    assert_int_equal(late.err.kind, ERR_DEADLINE);
    static const struct rpc_method few[] = { { "Login", do_nothing }, { 0 } };
    static const struct rpc_method twice[] = { { "Login", do_nothing }, { "Login", do_nothing }, { 0 } };
    static const struct rpc_method unknown[] = { { "Logon", do_nothing }, { 0 } };
    const struct rpc_method *const tables[] = { few, twice, unknown };
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        struct rpc_server *made = NULL;
        struct rpc_server_config config = server_config;
        config.methods = tables[i];
        assert_false(rpc_server_open(&made, bus, &config, &err));
        assert_int_equal(err.kind, ERR_BUG);
        assert_null(made);
    }
    struct rpc_server *made = NULL;
    struct rpc_server_config config = server_config;
    config.workers = 0;
    assert_false(rpc_server_open(&made, bus, &config, &err));
}

static void without_an_owner_a_call_is_to_be_tried_again(void **state)
{
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    struct err err = { 0 };
    AUTO_INPLACE(outcome) outcome;
    (void)state;
    rpc_server_close(TAKE(server));
    call(&outcome, "GetMe", NULL, &empty.base, CALL_MS);
    assert_false(outcome.ok);
    assert_int_equal(outcome.err.kind, ERR_TRANSIENT);
    assert_true(rpc_server_open(&server, bus, &server_config, &err));
    AUTO_INPLACE(outcome) again;
    call(&again, "GetMe", NULL, &empty.base, CALL_MS);
    assert_true(again.ok);
}

/* ---- load -------------------------------------------------------------------------------------------------------- */
static void *call_slow(void *argument)
{
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    call(argument, "GetJwks", NULL, &empty.base, CALL_MS);
    return NULL;
}

static void a_full_queue_refuses_at_once_and_a_drain_finishes_what_was_taken(void **state)
{
    enum { CALLERS = 10, TAKEN = 4 }; /* two workers, two places */
    pthread_t threads[CALLERS];
    struct outcome outcomes[CALLERS];
    struct err err = { 0 };
    int taken = 0, refused = 0;
    (void)state;
    atomic_store(&handled, 0);
    atomic_store(&slow_ms, 300);
    int64_t begin = clock_monotonic_us();
    for (size_t i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_slow, &outcomes[i]), 0);
        clock_sleep_ms(i < 2 ? 30 : 0); /* the workers have taken theirs before the rush */
    }
    clock_sleep_ms(150);
    rpc_server_close(TAKE(server)); /* two run, two wait: all four are answered */
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        taken += outcomes[i].ok;
        refused += outcomes[i].err.kind == ERR_LIMIT;
        outcome_done(&outcomes[i]);
    }
    assert_int_equal(taken, atomic_load(&handled));
    assert_int_equal(taken, TAKEN);
    assert_int_equal(taken + refused, CALLERS);
    assert_true(clock_monotonic_us() - begin < 2500000);
    assert_true(counter("service=\"Identity\",reason=\"full\"") >= 1);
    assert_true(rpc_server_open(&server, bus, &server_config, &err));
}

static void what_waited_too_long_is_not_begun(void **state)
{
    pthread_t threads[2];
    struct outcome outcomes[2];
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    (void)state;
    atomic_store(&handled, 0);
    atomic_store(&slow_ms, 300);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_slow, &outcomes[i]), 0);
    clock_sleep_ms(50);
    AUTO_INPLACE(outcome) late;
    call(&late, "GetJwks", NULL, &empty.base, 100);
    assert_false(late.ok);
    assert_int_equal(late.err.kind, ERR_DEADLINE);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        outcome_done(&outcomes[i]);
    }
    clock_sleep_ms(100);
    assert_int_equal(atomic_load(&handled), 2);
}

static void replicas_share_the_calls(void **state)
{
    AUTO(rpc_server) other = NULL;
    struct err err = { 0 };
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    (void)state;
    assert_true(rpc_server_open(&other, client, &server_config, &err));
    clock_sleep_ms(20);
    atomic_store(&handled, 0);
    atomic_store(&slow_ms, 0);
    for (int i = 0; i < 50; i++) {
        AUTO_INPLACE(outcome) outcome;
        call(&outcome, "GetJwks", NULL, &empty.base, CALL_MS);
        assert_true(outcome.ok);
    }
    assert_int_equal(atomic_load(&handled), 50); /* each once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_caller_arrives_with_the_call),
        cmocka_unit_test(nobody_may_call_too),
        cmocka_unit_test(failures_come_back_as_what_they_are),
        cmocka_unit_test(violations_come_back_one_by_one),
        cmocka_unit_test(a_failure_without_a_reason_is_no_success),
        cmocka_unit_test(a_reply_that_is_too_large_is_a_failure),
        cmocka_unit_test(strange_messages_are_answered_and_do_no_harm),
        cmocka_unit_test(a_reply_that_is_none_is_told_from_a_wrong_request),
        cmocka_unit_test(wrong_uses_are_bugs),
        cmocka_unit_test(without_an_owner_a_call_is_to_be_tried_again),
        cmocka_unit_test(a_full_queue_refuses_at_once_and_a_drain_finishes_what_was_taken),
        cmocka_unit_test(what_waited_too_long_is_not_begun),
        cmocka_unit_test(replicas_share_the_calls),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
