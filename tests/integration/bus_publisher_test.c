/* Publishing with many in flight: every message gets exactly one verdict. */
#include "base/clock.h"
#include "bus/bus.h"
#include "tests/support/test_process.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_nats nats;
static struct bus *bus;

/* What the handler said about one message. */
struct verdict {
    atomic_int calls;
    atomic_int kind;
};

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static void note(void *context, const struct err *err)
{
    struct verdict *verdict = context;
    atomic_store(&verdict->kind, err ? (int)err->kind : ERR_NONE);
    atomic_fetch_add(&verdict->calls, 1);
}

static void expect_verdict(const struct verdict *verdict, enum err_kind kind)
{
    assert_int_equal(atomic_load(&verdict->calls), 1);
    assert_int_equal(atomic_load(&verdict->kind), kind);
}

static int open_all(void **state)
{
    struct err err = { 0 };
    struct bus_stream stream = {
        .name = "FLIGHT", .subjects = { "flight.>" }, .max_bytes = 64 * 1024 * 1024, .duplicate_window_ms = 60000
    };
    struct bus_stream tiny = { .name = "TINY", .subjects = { "tiny.>" }, .max_bytes = 8192, .max_message_bytes = 2048 };
    (void)state;
    test_nats_start(&nats);
    must(bus_open(&bus, &(struct bus_config){ .url = nats.url, .name = "bus-publisher-test" }, &err), &err);
    must(bus_stream_ensure(bus, &stream, &err) && bus_stream_ensure(bus, &tiny, &err), &err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    bus_close(bus);
    return 0;
}

static bool put(struct bus_publisher *publisher, const char *subject, const char *id, struct verdict *verdict,
    int64_t wait_ms, struct err *err)
{
    struct bus_outgoing message = { subject, "reading", 7, NULL, 0 };
    return bus_publisher_put(publisher, &message, id, verdict, wait_ms, err);
}

static void every_message_is_stored_and_told_once(void **state)
{
    enum { SENT = 5000 };
    AUTO(bus_publisher) publisher = NULL;
    static struct verdict verdicts[SENT];
    struct bus_stream_state before, after;
    struct err err = { 0 };
    (void)state;
    must(bus_stream_inspect(bus, "FLIGHT", &before, &err), &err);
    must(bus_publisher_open(&publisher, bus, 64, note, &err), &err);
    for (int i = 0; i < SENT; i++) {
        char id[32];
        snprintf(id, sizeof id, "once-%d", i % (SENT / 2)); /* half of them twice */
        must(put(publisher, "flight.once", id, &verdicts[i], 5000, &err), &err);
    }
    must(bus_publisher_flush(publisher, 5000, &err), &err);
    for (int i = 0; i < SENT; i++)
        expect_verdict(&verdicts[i], ERR_NONE);
    must(bus_stream_inspect(bus, "FLIGHT", &after, &err), &err);
    assert_int_equal(after.messages - before.messages, SENT / 2);
}

static void a_full_stream_says_so_for_each_message_that_it_refused(void **state)
{
    enum { SENT = 200 };
    AUTO(bus_publisher) publisher = NULL;
    struct verdict verdicts[SENT] = { 0 };
    int stored = 0;
    struct err err = { 0 };
    (void)state;
    must(bus_publisher_open(&publisher, bus, 32, note, &err), &err);
    for (int i = 0; i < SENT; i++)
        must(put(publisher, "tiny.item", NULL, &verdicts[i], 5000, &err), &err);
    must(bus_publisher_flush(publisher, 5000, &err), &err);
    for (int i = 0; i < SENT; i++) {
        expect_verdict(&verdicts[i], verdicts[i].kind == ERR_NONE ? ERR_NONE : ERR_LIMIT);
        stored += verdicts[i].kind == ERR_NONE;
    }
    assert_true(stored > 10 && stored < SENT);
}

static void a_subject_without_a_stream_is_told(void **state)
{
    AUTO(bus_publisher) publisher = NULL;
    struct verdict verdict = { 0 };
    struct err err = { 0 };
    (void)state;
    must(bus_publisher_open(&publisher, bus, 1, note, &err), &err);
    must(put(publisher, "nowhere.item", "n", &verdict, 1000, &err), &err);
    must(bus_publisher_flush(publisher, 2000, &err), &err);
    expect_verdict(&verdict, ERR_TRANSIENT);
}

static void what_cannot_be_sent_takes_no_place(void **state)
{
    AUTO(bus_publisher) publisher = NULL;
    struct verdict verdict = { 0 };
    struct err err = { 0 };
    (void)state;
    must(bus_publisher_open(&publisher, bus, 1, note, &err), &err);
    for (int i = 0; i < 3; i++) {
        assert_false(put(publisher, "bad subject", "b", &verdict, 0, &err));
        assert_int_equal(err.kind, ERR_INPUT);
        assert_false(put(publisher, "flight.bad", "b\r\n", &verdict, 0, &err));
        assert_int_equal(err.kind, ERR_INPUT);
    }
    must(bus_publisher_flush(publisher, 0, &err), &err);
    assert_int_equal(verdict.calls, 0);
    assert_false(bus_publisher_open(&publisher, bus, 0, note, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void when_all_places_are_taken_a_put_waits_and_then_says_limit(void **state)
{
    AUTO(bus_publisher) publisher = NULL;
    struct verdict verdicts[3] = { 0 };
    struct err err = { 0 };
    (void)state;
    must(bus_publisher_open(&publisher, bus, 2, note, &err), &err);
    kill(nats.pid, SIGSTOP);
    must(put(publisher, "flight.wait", "w0", &verdicts[0], 0, &err), &err);
    must(put(publisher, "flight.wait", "w1", &verdicts[1], 0, &err), &err);
    int64_t start_us = clock_monotonic_us();
    assert_false(put(publisher, "flight.wait", "w2", &verdicts[2], 100, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_true(clock_monotonic_us() - start_us >= 100000);
    assert_false(bus_publisher_flush(publisher, 20, &err));
    assert_int_equal(err.kind, ERR_DEADLINE);
    kill(nats.pid, SIGCONT);
    must(put(publisher, "flight.wait", "w2", &verdicts[2], 4000, &err), &err);
    must(bus_publisher_flush(publisher, 4000, &err), &err);
    for (size_t i = 0; i < COUNT_OF(verdicts); i++)
        expect_verdict(&verdicts[i], ERR_NONE);
}

static void swallow(void *context, struct bus_message *message)
{
    (void)context;
    bus_message_close(message);
}

static void closing_tells_those_that_are_still_in_flight(void **state)
{
    AUTO(bus_subscription) mute = NULL; /* takes the message and never acknowledges */
    struct bus_publisher *publisher = NULL;
    struct verdict verdicts[4] = { 0 };
    struct err err = { 0 };
    (void)state;
    must(bus_subscribe(&mute, bus, "mute.>", NULL, swallow, NULL, &err), &err);
    must(bus_publisher_open(&publisher, bus, 8, note, &err), &err);
    for (size_t i = 0; i < COUNT_OF(verdicts); i++)
        must(put(publisher, "mute.item", NULL, &verdicts[i], 0, &err), &err);
    bus_publisher_close(publisher);
    for (size_t i = 0; i < COUNT_OF(verdicts); i++)
        expect_verdict(&verdicts[i], ERR_TRANSIENT);
    bus_publisher_close(NULL);
}

static void an_acknowledgement_that_never_comes_fails_after_a_while(void **state)
{
    AUTO(bus_subscription) mute = NULL;
    AUTO(bus_publisher) publisher = NULL;
    struct verdict lost = { 0 }, stored = { 0 };
    struct err err = { 0 };
    (void)state;
    must(bus_subscribe(&mute, bus, "mute.>", NULL, swallow, NULL, &err), &err);
    must(bus_publisher_open(&publisher, bus, 8, note, &err), &err);
    must(put(publisher, "mute.item", NULL, &lost, 0, &err), &err);
    must(put(publisher, "flight.late", "late", &stored, 0, &err), &err);
    must(bus_publisher_flush(publisher, 7000, &err), &err);
    expect_verdict(&lost, ERR_TRANSIENT);
    expect_verdict(&stored, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_stored_and_told_once),
        cmocka_unit_test(a_full_stream_says_so_for_each_message_that_it_refused),
        cmocka_unit_test(a_subject_without_a_stream_is_told),
        cmocka_unit_test(what_cannot_be_sent_takes_no_place),
        cmocka_unit_test(when_all_places_are_taken_a_put_waits_and_then_says_limit),
        cmocka_unit_test(closing_tells_those_that_are_still_in_flight),
        cmocka_unit_test(an_acknowledgement_that_never_comes_fails_after_a_while),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
