/* Requests, replies, subscriptions, streams, publishing one at a time and inboxes, on a real server. */
#include "base/clock.h"
#include "bus/bus.h"
#include "bus/bus_inbox.h"
#include "metrics/metrics.h"
#include "tests/support/test_process.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_nats nats;
static struct bus *bus;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static struct bus_outgoing text_to(const char *subject, const char *text)
{
    return (struct bus_outgoing){ .subject = subject, .data = text, .size = strlen(text) };
}

static int open_all(void **state)
{
    struct err err = { 0 };
    (void)state;
    test_nats_start(&nats);
    must(bus_open(&bus, &(struct bus_config){ .url = nats.url, .name = "bus-test" }, &err), &err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    bus_close(bus);
    return 0;
}

static void wait_for(atomic_int *counter, int value)
{
    int64_t end_us = clock_monotonic_us() + 5000000;
    while (atomic_load(counter) < value && clock_monotonic_us() < end_us)
        clock_sleep_ms(1);
    assert_int_equal(atomic_load(counter), value);
}

/* ---- requests ---- */
static void echo(void *context, struct bus_message *message)
{
    struct err err = { 0 };
    const char *tenant = bus_message_header(message, "Nwims-Tenant");
    struct bus_header headers[] = { { "nwims-tenant", tenant ? tenant : "none" } };
    atomic_fetch_add((atomic_int *)context, 1);
    if (!bus_reply(
            bus, message, bus_message_data(message), bus_message_size(message), headers, COUNT_OF(headers), &err))
        fprintf(stderr, "%s\n", err.text);
    bus_message_close(message);
}

static void a_request_gets_its_reply_with_headers_in_exact_case(void **state)
{
    AUTO(bus_subscription) subscription = NULL;
    AUTO(bus_message) reply = NULL;
    atomic_int calls = 0;
    struct err err = { 0 };
    struct bus_header headers[] = { { "Nwims-Tenant", "7" }, { "traceparent", "00-1-2-01" } };
    struct bus_outgoing request = { "rpc.test.Echo", "a\0b", 3, headers, COUNT_OF(headers) };
    (void)state;
    must(bus_subscribe(&subscription, bus, "rpc.test.*", "test", echo, &calls, &err), &err);
    must(bus_request(bus, &request, 2000, &reply, &err), &err);
    assert_int_equal(bus_message_size(reply), 3);
    assert_memory_equal(bus_message_data(reply), "a\0b", 3);
    assert_string_equal(bus_message_header(reply, "nwims-tenant"), "7");
    assert_null(bus_message_header(reply, "Nwims-Tenant"));
    assert_int_equal(atomic_load(&calls), 1);
}

static void an_empty_message_arrives_empty(void **state)
{
    AUTO(bus_subscription) subscription = NULL;
    AUTO(bus_message) reply = NULL;
    atomic_int calls = 0;
    struct err err = { 0 };
    (void)state;
    must(bus_subscribe(&subscription, bus, "rpc.test.>", NULL, echo, &calls, &err), &err);
    must(bus_request(bus, &(struct bus_outgoing){ .subject = "rpc.test.Echo" }, 2000, &reply, &err), &err);
    assert_int_equal(bus_message_size(reply), 0);
    assert_string_equal(bus_message_header(reply, "nwims-tenant"), "none");
}

static void a_request_that_nobody_serves_fails_at_once(void **state)
{
    struct bus_message *reply = NULL;
    struct err err = { 0 };
    struct bus_outgoing request = text_to("rpc.nobody.Home", "x");
    int64_t start_us = clock_monotonic_us();
    (void)state;
    assert_false(bus_request(bus, &request, 5000, &reply, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_null(reply);
    assert_true(clock_monotonic_us() - start_us < 2000000);
}

static void swallow(void *context, struct bus_message *message)
{
    atomic_fetch_add((atomic_int *)context, 1);
    bus_message_close(message);
}

static void a_request_without_an_answer_ends_at_its_deadline(void **state)
{
    AUTO(bus_subscription) subscription = NULL;
    struct bus_message *reply = NULL;
    atomic_int calls = 0;
    struct err err = { 0 };
    struct bus_outgoing request = text_to("rpc.silent.Ask", "x");
    (void)state;
    must(bus_subscribe(&subscription, bus, "rpc.silent.*", NULL, swallow, &calls, &err), &err);
    assert_false(bus_request(bus, &request, 50, &reply, &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
    assert_false(bus_request(bus, &request, 0, &reply, &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
}

static void keep(void *context, struct bus_message *message)
{
    *(struct bus_message * _Atomic *)context = message;
}

static void a_message_that_waits_for_no_reply_gets_none(void **state)
{
    AUTO(bus_subscription) subscription = NULL;
    struct bus_message *_Atomic kept = NULL;
    struct err err = { 0 };
    struct bus_position position;
    struct bus_outgoing message = text_to("plain.one", "x");
    (void)state;
    must(bus_subscribe(&subscription, bus, "plain.one", NULL, keep, &kept, &err), &err);
    must(bus_publish_plain(bus, &message, &err), &err);
    for (int i = 0; i < 2000 && !atomic_load(&kept); i++)
        clock_sleep_ms(1);
    AUTO(bus_message) came = atomic_load(&kept);
    assert_non_null(came);
    assert_string_equal(bus_message_subject(came), "plain.one");
    assert_false(bus_reply(bus, came, "x", 1, NULL, 0, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(bus_message_ack(bus, came, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(bus_message_position(came, &position, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

static void what_cannot_be_sent_is_refused_before_it_is(void **state)
{
    static const struct bus_header split[] = { { "X", "a\r\nY: b" } };
    const struct bus_outgoing bad[] = { { .subject = "a b" }, { .subject = "" }, { .subject = NULL },
        { .subject = "readings.*" }, { .subject = "a\r\nPUB b 0\r\n" },
        { .subject = "a", .headers = split, .header_count = 1 },
        { .subject = "a", .data = "", .size = (size_t)1 << 32 } };
    struct bus_subscription *subscription = NULL;
    struct bus_message *reply = NULL;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = { 0 };
        assert_false(bus_publish_plain(bus, &bad[i], &err));
        assert_int_equal(err.kind, ERR_INPUT);
        assert_false(bus_request(bus, &bad[i], 100, &reply, &err));
        assert_int_equal(err.kind, ERR_INPUT);
        assert_false(bus_publish(bus, &bad[i], "id", 100, NULL, &err));
        assert_int_equal(err.kind, ERR_INPUT);
    }
    struct err err = { 0 };
    assert_false(bus_subscribe(&subscription, bus, "a..b", NULL, swallow, NULL, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(bus_subscribe(&subscription, bus, "a", "q q", swallow, NULL, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

static void a_message_above_the_servers_payload_is_an_input_error(void **state)
{
    struct err err = { 0 };
    size_t size = 2 * 1024 * 1024;
    char *data = calloc(1, size);
    (void)state;
    assert_non_null(data);
    assert_false(bus_publish_plain(bus, &(struct bus_outgoing){ .subject = "big", .data = data, .size = size }, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    free(data);
}

/* ---- subscriptions ---- */
static void a_queue_group_shares_and_a_plain_subscriber_gets_all(void **state)
{
    AUTO(bus_subscription) first = NULL;
    AUTO(bus_subscription) second = NULL;
    AUTO(bus_subscription) alone = NULL;
    atomic_int counts[3] = { 0, 0, 0 };
    struct err err = { 0 };
    struct bus_outgoing message = text_to("work.item", "x");
    (void)state;
    must(bus_subscribe(&first, bus, "work.>", "crew", swallow, &counts[0], &err), &err);
    must(bus_subscribe(&second, bus, "work.>", "crew", swallow, &counts[1], &err), &err);
    must(bus_subscribe(&alone, bus, "work.*", NULL, swallow, &counts[2], &err), &err);
    for (int i = 0; i < 200; i++)
        must(bus_publish_plain(bus, &message, &err), &err);
    wait_for(&counts[2], 200);
    int64_t end_us = clock_monotonic_us() + 2000000;
    while (counts[0] + counts[1] < 200 && clock_monotonic_us() < end_us)
        clock_sleep_ms(1);
    assert_int_equal(counts[0] + counts[1], 200);
    assert_true(counts[0] > 0 && counts[1] > 0);
}

static void closing_a_subscription_waits_for_its_handler(void **state)
{
    struct err err = { 0 };
    struct bus_outgoing message = text_to("busy.item", "x");
    (void)state;
    for (int round = 0; round < 20; round++) {
        atomic_int *count = calloc(1, sizeof *count);
        struct bus_subscription *subscription = NULL;
        assert_non_null(count);
        must(bus_subscribe(&subscription, bus, "busy.item", NULL, swallow, count, &err), &err);
        for (int i = 0; i < 50; i++)
            must(bus_publish_plain(bus, &message, &err), &err);
        bus_subscription_close(subscription);
        free(count); /* the sanitizers see a handler that still runs */
    }
    bus_subscription_close(NULL);
}

struct gate {
    pthread_mutex_t lock;
    atomic_int passed;
};

static void pass_gate(void *context, struct bus_message *message)
{
    struct gate *gate = context;
    pthread_mutex_lock(&gate->lock);
    pthread_mutex_unlock(&gate->lock);
    atomic_fetch_add(&gate->passed, 1);
    bus_message_close(message);
}

static void a_subscriber_that_cannot_keep_up_is_bounded_and_counted(void **state)
{
    enum { SENT = 80000 };
    AUTO(bus_subscription) subscription = NULL;
    struct gate gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .passed = 0 };
    struct err err = { 0 };
    struct bus_outgoing message = text_to("flood.item", "x");
    struct metric *slow = metrics_counter("nwims_bus_slow_consumer_total", NULL, "");
    double before = metric_value(slow);
    (void)state;
    must(bus_subscribe(&subscription, bus, "flood.item", NULL, pass_gate, &gate, &err), &err);
    pthread_mutex_lock(&gate.lock);
    for (int i = 0; i < SENT; i++)
        must(bus_publish_plain(bus, &message, &err), &err);
    for (int i = 0; i < 5000 && metric_value(slow) <= before; i++)
        clock_sleep_ms(1);
    pthread_mutex_unlock(&gate.lock);
    assert_true(metric_value(slow) > before);
    bus_subscription_close(TAKE(subscription));
    assert_true(gate.passed < SENT);
}

/* ---- streams and publishing ---- */
static const struct bus_stream small = { .name = "SMALL",
    .subjects = { "small.>" },
    .max_bytes = 64 * 1024,
    .max_message_bytes = 8192,
    .duplicate_window_ms = 60000 };

static void a_stream_is_made_once_and_its_limits_follow(void **state)
{
    struct bus_stream stream = small;
    struct bus_stream_state first, second;
    struct err err = { 0 };
    (void)state;
    must(bus_stream_ensure(bus, &stream, &err), &err);
    must(bus_stream_inspect(bus, "SMALL", &first, &err), &err);
    assert_int_equal(first.messages, 0);
    assert_true(llabs((long long)(clock_now_us() - first.created_at_us)) < 60000000);
    must(bus_stream_ensure(bus, &stream, &err), &err);
    stream.max_age_ms = 3600000;
    stream.max_bytes = 32 * 1024;
    stream.subjects[1] = "smaller.*";
    must(bus_stream_ensure(bus, &stream, &err), &err);
    struct bus_outgoing message = text_to("smaller.one", "x");
    must(bus_publish(bus, &message, "made-once", 2000, NULL, &err), &err);
    must(bus_stream_inspect(bus, "SMALL", &second, &err), &err);
    assert_int_equal(second.messages, 1);
    assert_int_equal(second.first_sequence, 1);
    assert_int_equal(second.last_sequence, 1);
    assert_true(second.bytes > 0);
    assert_true(second.created_at_us == first.created_at_us);
    stream.is_work_queue = true;
    assert_false(bus_stream_ensure(bus, &stream, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void a_stream_that_cannot_be_is_a_mistake_of_the_configuration(void **state)
{
    static const struct bus_stream bad[] = {
        { .name = NULL, .subjects = { "x" }, .max_bytes = 1 }, { .name = "A.B", .subjects = { "x" }, .max_bytes = 1 },
        { .name = "BAD", .subjects = { "x y" }, .max_bytes = 1 }, { .name = "BAD", .max_bytes = 1 },
        { .name = "BAD", .subjects = { "x" } },
        { .name = "BAD", .subjects = { "x" }, .max_bytes = 1, .max_age_ms = INT64_MAX },
        { .name = "BAD", .subjects = { "x" }, .max_bytes = 1, .duplicate_window_ms = -1 },
        { .name = "BAD", .subjects = { "x" }, .max_bytes = 1, .max_message_bytes = INT64_MAX },
        { .name = "BAD", .subjects = { "small.one" }, .max_bytes = 1024 }, /* another stream has it */
    };
    struct bus_stream_state inspected;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = { 0 };
        assert_false(bus_stream_ensure(bus, &bad[i], &err));
        if (err.kind != ERR_CONFIG)
            fail_msg("case %zu: %s %s", i, err_kind_name(err.kind), err.text);
    }
    struct err err = { 0 };
    assert_false(bus_stream_inspect(bus, "ABSENT", &inspected, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_false(bus_stream_inspect(bus, "a.b", &inspected, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

static void the_same_id_is_stored_once(void **state)
{
    struct bus_stream_state before, after;
    bool is_duplicate = true;
    struct err err = { 0 };
    struct bus_outgoing message = text_to("small.once", "x");
    (void)state;
    must(bus_stream_ensure(bus, &small, &err), &err);
    must(bus_stream_inspect(bus, "SMALL", &before, &err), &err);
    must(bus_publish(bus, &message, "same", 2000, &is_duplicate, &err), &err);
    assert_false(is_duplicate);
    must(bus_publish(bus, &message, "same", 2000, &is_duplicate, &err), &err);
    assert_true(is_duplicate);
    must(bus_stream_inspect(bus, "SMALL", &after, &err), &err);
    assert_int_equal(after.messages, before.messages + 1);
}

static void a_full_stream_refuses_and_says_limit(void **state)
{
    struct err err = { 0 };
    char data[4096], id[32];
    struct bus_outgoing message = { "small.fill", data, sizeof data, NULL, 0 };
    int stored = 0;
    (void)state;
    memset(data, 'x', sizeof data);
    must(bus_stream_ensure(bus, &small, &err), &err);
    for (; stored < 100; stored++) {
        snprintf(id, sizeof id, "fill-%d", stored);
        if (!bus_publish(bus, &message, id, 2000, NULL, &err))
            break;
    }
    assert_true(stored > 0 && stored < 17);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_non_null(strstr(err.text, "maximum bytes exceeded"));
}

static void publishing_tells_what_can_never_be_from_what_may_be_later(void **state)
{
    struct err err = { 0 };
    char data[10000];
    struct bus_outgoing nowhere = text_to("no.stream.here", "x");
    struct bus_outgoing large = { "small.large", data, sizeof data, NULL, 0 };
    (void)state;
    memset(data, 'x', sizeof data);
    assert_false(bus_publish(bus, &nowhere, "n", 2000, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(bus_publish(bus, &large, "l", 2000, NULL, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(bus_publish(bus, &nowhere, "n", 0, NULL, &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
}

static void an_answer_that_is_not_jetstreams_is_not_taken_for_stored(void **state)
{
    AUTO(bus_subscription) subscription = NULL;
    atomic_int calls = 0;
    struct err err = { 0 };
    struct bus_outgoing message = text_to("impostor.here", "+OK");
    (void)state;
    must(bus_subscribe(&subscription, bus, "impostor.*", NULL, echo, &calls, &err), &err);
    assert_false(bus_publish(bus, &message, "i", 2000, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
}

/* ---- inboxes ---- */
static void expectations_get_their_own_answers(void **state)
{
    AUTO(bus_inbox) inbox = NULL;
    AUTO(bus_expectation) first = NULL;
    AUTO(bus_expectation) second = NULL;
    AUTO(bus_message) for_first = NULL;
    AUTO(bus_message) for_second = NULL;
    struct err err = { 0 };
    (void)state;
    must(bus_inbox_open(&inbox, bus, 2, &err), &err);
    must(bus_inbox_expect(&first, inbox, &err), &err);
    must(bus_inbox_expect(&second, inbox, &err), &err);
    struct bus_outgoing two = text_to(bus_expectation_subject(second), "two");
    struct bus_outgoing one = text_to(bus_expectation_subject(first), "one");
    must(bus_publish_plain(bus, &two, &err), &err);
    must(bus_publish_plain(bus, &one, &err), &err);
    must(bus_expectation_wait(first, 2000, &for_first, &err), &err);
    must(bus_expectation_wait(second, 2000, &for_second, &err), &err);
    assert_memory_equal(bus_message_data(for_first), "one", 3);
    assert_memory_equal(bus_message_data(for_second), "two", 3);
}

static void an_expectation_ends_at_its_deadline_and_a_late_answer_is_dropped(void **state)
{
    AUTO(bus_inbox) inbox = NULL;
    struct bus_expectation *late = NULL;
    AUTO(bus_expectation) next = NULL;
    struct bus_message *answer = NULL;
    char subject[128];
    struct err err = { 0 };
    struct metric *dropped = metrics_counter("nwims_bus_late_answer_total", NULL, "");
    double before = metric_value(dropped);
    (void)state;
    must(bus_inbox_open(&inbox, bus, 1, &err), &err);
    must(bus_inbox_expect(&late, inbox, &err), &err);
    snprintf(subject, sizeof subject, "%s", bus_expectation_subject(late));
    assert_false(bus_expectation_wait(late, 20, &answer, &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
    bus_expectation_close(late);
    must(bus_inbox_expect(&next, inbox, &err), &err); /* at the same place */
    struct bus_outgoing message = text_to(subject, "late");
    must(bus_publish_plain(bus, &message, &err), &err);
    assert_false(bus_expectation_wait(next, 100, &answer, &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
    assert_null(answer);
    assert_true(metric_value(dropped) == before + 1);
}

static void an_answer_that_nobody_took_is_freed(void **state)
{
    AUTO(bus_inbox) inbox = NULL;
    AUTO(bus_expectation) expectation = NULL;
    struct err err = { 0 };
    (void)state;
    must(bus_inbox_open(&inbox, bus, 1, &err), &err);
    must(bus_inbox_expect(&expectation, inbox, &err), &err);
    struct bus_outgoing message = text_to(bus_expectation_subject(expectation), "x");
    must(bus_publish_plain(bus, &message, &err), &err);
    must(bus_publish_plain(bus, &message, &err), &err); /* a second one finds the place taken */
    clock_sleep_ms(50);
}

static void more_expectations_than_the_ceiling_are_refused(void **state)
{
    AUTO(bus_inbox) inbox = NULL;
    struct bus_expectation *held[3] = { NULL };
    struct bus_expectation *more = NULL;
    struct err err = { 0 };
    (void)state;
    assert_false(bus_inbox_open(&inbox, bus, 0, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    must(bus_inbox_open(&inbox, bus, COUNT_OF(held), &err), &err);
    for (size_t i = 0; i < COUNT_OF(held); i++)
        must(bus_inbox_expect(&held[i], inbox, &err), &err);
    assert_false(bus_inbox_expect(&more, inbox, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    bus_expectation_close(held[1]);
    must(bus_inbox_expect(&held[1], inbox, &err), &err);
    for (size_t i = 0; i < COUNT_OF(held); i++)
        bus_expectation_close(held[i]);
    bus_expectation_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_gets_its_reply_with_headers_in_exact_case),
        cmocka_unit_test(an_empty_message_arrives_empty),
        cmocka_unit_test(a_request_that_nobody_serves_fails_at_once),
        cmocka_unit_test(a_request_without_an_answer_ends_at_its_deadline),
        cmocka_unit_test(a_message_that_waits_for_no_reply_gets_none),
        cmocka_unit_test(what_cannot_be_sent_is_refused_before_it_is),
        cmocka_unit_test(a_message_above_the_servers_payload_is_an_input_error),
        cmocka_unit_test(a_queue_group_shares_and_a_plain_subscriber_gets_all),
        cmocka_unit_test(closing_a_subscription_waits_for_its_handler),
        cmocka_unit_test(a_subscriber_that_cannot_keep_up_is_bounded_and_counted),
        cmocka_unit_test(a_stream_is_made_once_and_its_limits_follow),
        cmocka_unit_test(a_stream_that_cannot_be_is_a_mistake_of_the_configuration),
        cmocka_unit_test(the_same_id_is_stored_once),
        cmocka_unit_test(a_full_stream_refuses_and_says_limit),
        cmocka_unit_test(publishing_tells_what_can_never_be_from_what_may_be_later),
        cmocka_unit_test(an_answer_that_is_not_jetstreams_is_not_taken_for_stored),
        cmocka_unit_test(expectations_get_their_own_answers),
        cmocka_unit_test(an_expectation_ends_at_its_deadline_and_a_late_answer_is_dropped),
        cmocka_unit_test(an_answer_that_nobody_took_is_freed),
        cmocka_unit_test(more_expectations_than_the_ceiling_are_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
