/* What status pages ask: everybody at once, and the streams with their readers; on a real server. */
#include "base/clock.h"
#include "bus/bus.h"
#include "bus/bus_gather.h"
#include "bus/bus_retention.h"
#include "bus/bus_streams.h"
#include "tests/support/test_process.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_nats nats;
static struct bus *bus;
static const struct bus_outgoing question = { .subject = "test.ping", .data = "who", .size = 3 };

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static int open_all(void **state)
{
    struct err err = { 0 };
    (void)state;
    test_nats_start(&nats);
    must(bus_open(&bus, &(struct bus_config){ .url = nats.url, .name = "bus-status-test" }, &err), &err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    bus_close(bus);
    return 0;
}

static void answer(void *context, struct bus_message *message)
{
    struct err err = { 0 };
    if (!bus_reply(bus, message, context, strlen(context), NULL, 0, &err))
        fprintf(stderr, "%s\n", err.text);
    bus_message_close(message);
}

static void stay_silent(void *context, struct bus_message *message)
{
    (void)context;
    bus_message_close(message);
}

static void everybody_who_listens_is_heard(void **state)
{
    AUTO(bus_subscription) one = NULL;
    AUTO(bus_subscription) two = NULL;
    AUTO(bus_subscription) silent = NULL;
    AUTO_INPLACE(bus_answers) answers = { 0 };
    const struct bus_gather_limits limits = { .timeout_ms = 3000, .quiet_ms = 1000, .most = 10 };
    struct err err = { 0 };
    (void)state;
    must(bus_subscribe(&one, bus, "test.ping", NULL, answer, "one", &err), &err);
    must(bus_subscribe(&two, bus, "test.ping", NULL, answer, "two", &err), &err);
    must(bus_subscribe(&silent, bus, "test.ping", NULL, stay_silent, NULL, &err), &err);
    must(bus_gather(bus, &question, &limits, &answers, &err), &err);
    assert_int_equal(answers.count, 2);
    assert_false(answers.is_cut);
    assert_int_not_equal(memcmp(bus_message_data(answers.messages[0]), bus_message_data(answers.messages[1]), 3), 0);
}

static void no_more_than_asked_for_is_kept(void **state)
{
    AUTO(bus_subscription) first = NULL;
    AUTO(bus_subscription) second = NULL;
    AUTO(bus_subscription) third = NULL;
    AUTO_INPLACE(bus_answers) answers = { 0 };
    const struct bus_gather_limits limits = { .timeout_ms = 3000, .quiet_ms = 1000, .most = 2 };
    struct err err = { 0 };
    (void)state;
    must(bus_subscribe(&first, bus, "test.ping", NULL, answer, "a", &err), &err);
    must(bus_subscribe(&second, bus, "test.ping", NULL, answer, "b", &err), &err);
    must(bus_subscribe(&third, bus, "test.ping", NULL, answer, "c", &err), &err);
    must(bus_gather(bus, &question, &limits, &answers, &err), &err);
    assert_int_equal(answers.count, 2);
    assert_true(answers.is_cut);
}

static void where_nobody_listens_the_answer_is_none_and_comes_at_once(void **state)
{
    AUTO_INPLACE(bus_answers) answers = { 0 };
    const struct bus_gather_limits limits = { .timeout_ms = 30000, .most = 2 };
    struct err err = { 0 };
    int64_t began_us = clock_monotonic_us();
    (void)state;
    must(bus_gather(bus, &question, &limits, &answers, &err), &err);
    assert_int_equal(answers.count, 0);
    assert_true(clock_monotonic_us() - began_us < 15000000);
}

static void a_deadline_ends_the_wait_for_those_who_stay_silent(void **state)
{
    AUTO(bus_subscription) silent = NULL;
    AUTO_INPLACE(bus_answers) answers = { 0 };
    const struct bus_gather_limits limits = { .timeout_ms = 50, .most = 2 };
    struct err err = { 0 };
    (void)state;
    must(bus_subscribe(&silent, bus, "test.ping", NULL, stay_silent, NULL, &err), &err);
    must(bus_gather(bus, &question, &limits, &answers, &err), &err);
    assert_int_equal(answers.count, 0);
    assert_false(bus_gather(bus, &question, &(struct bus_gather_limits){ .most = 2 }, &answers, &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
}

static const struct bus_stream_status *stream_named(
    const struct bus_stream_status *streams, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(streams[i].name, name) == 0)
            return &streams[i];
    return NULL;
}

static void streams_show_what_is_in_them_and_how_far_their_readers_are(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    AUTO(bus_message) message = NULL;
    AUTO_INPLACE(arena) arena;
    struct bus_stream_status *streams;
    struct err err = { 0 };
    size_t count;
    const struct bus_consumer_config config = {
        .stream = "STATUS", .durable = "reader", .ack_wait_ms = 30000, .max_ack_pending = 1, .batch = 1
    };
    (void)state;
    arena_init(&arena, 1024 * 1024);
    must(bus_streams_status(bus, &arena, &streams, &count, &err), &err);
    assert_int_equal(count, 0);
    must(bus_stream_ensure(
             bus, &(struct bus_stream){ .name = "STATUS", .subjects = { "status.>" }, .max_bytes = 1000000 }, &err),
        &err);
    must(bus_stream_ensure(bus,
             &(struct bus_stream){
                 .name = "EMPTY", .subjects = { "empty.>" }, .max_bytes = 1000000, .max_age_ms = 60000 },
             &err),
        &err);
    for (int i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "id-%d", i);
        must(bus_publish(bus, &(struct bus_outgoing){ .subject = "status.x", .data = "12345", .size = 5 }, id, 5000,
                 NULL, &err),
            &err);
    }
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    must(bus_consumer_next(consumer, 20000, &message, &err), &err);
    assert_non_null(message);
    must(bus_streams_status(bus, &arena, &streams, &count, &err), &err);
    const struct bus_stream_status *full = stream_named(streams, count, "STATUS"),
                                   *empty = stream_named(streams, count, "EMPTY");
    assert_int_equal(count, 2);
    assert_int_equal(full->messages, 5);
    assert_int_equal(full->most_bytes, 1000000);
    assert_true(full->bytes >= 25 && full->bytes < 1000);
    assert_true(full->oldest_at_us > 0 && full->oldest_at_us <= full->newest_at_us);
    assert_int_equal(full->consumer_count, 1);
    assert_string_equal(full->consumers[0].name, "reader");
    assert_int_equal(full->consumers[0].waiting + full->consumers[0].unacknowledged, 5);
    assert_int_equal(full->consumers[0].unacknowledged, 1);
    assert_int_equal(empty->oldest_at_us, 0);
    assert_int_equal(empty->most_age_us, 60000000);
    assert_int_equal(empty->consumer_count, 0);
}

static void a_stream_that_never_held_anything_has_nothing_to_let_go(void **state)
{
    struct err err = { 0 };
    struct bus_retention_report report;
    const struct bus_stream empty = { .name = "EMPTY", .subjects = { "empty.>" }, .max_bytes = 1 << 20 };
    (void)state;
    must(bus_stream_ensure(bus, &empty, &err), &err);
    const struct bus_retention retention = { .stream = "EMPTY", .keep_ms = 1000, .keep_fill = 0.5 };
    must(bus_retention_run(bus, &retention, clock_now_us(), &report, &err), &err);
    assert_int_equal(report.removed, 0);
    assert_false(report.is_unfinished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_who_listens_is_heard),
        cmocka_unit_test(no_more_than_asked_for_is_kept),
        cmocka_unit_test(where_nobody_listens_the_answer_is_none_and_comes_at_once),
        cmocka_unit_test(a_deadline_ends_the_wait_for_those_who_stay_silent),
        cmocka_unit_test(streams_show_what_is_in_them_and_how_far_their_readers_are),
        cmocka_unit_test(a_stream_that_never_held_anything_has_nothing_to_let_go),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
