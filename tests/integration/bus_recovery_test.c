/* What a bus does when its server goes away in the middle, or stops answering. */
#include "base/clock.h"
#include "bus/bus.h"
#include "tests/support/test_process.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_nats nats;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static int start_server(void **state)
{
    (void)state;
    test_nats_start(&nats);
    return 0;
}

static struct bus *open_bus(void)
{
    struct bus *bus = NULL;
    struct err err = { 0 };
    must(bus_open(&bus, &(struct bus_config){ .url = nats.url, .name = "bus-recovery-test" }, &err), &err);
    return bus;
}

static void make_stream(struct bus *bus, const char *name, const char *subject)
{
    struct err err = { 0 };
    struct bus_stream stream = {
        .name = name, .subjects = { subject }, .max_bytes = 16 * 1024 * 1024, .duplicate_window_ms = 60000
    };
    must(bus_stream_ensure(bus, &stream, &err), &err);
}

static bool wait_connected(const struct bus *bus, bool expect, int64_t wait_ms)
{
    int64_t end_us = clock_monotonic_us() + wait_ms * 1000;
    while (bus_is_connected(bus) != expect && clock_monotonic_us() < end_us)
        clock_sleep_ms(5);
    return bus_is_connected(bus) == expect;
}

/* ---- going away ---- */
static void count_up(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static void ignore_verdict(void *context, const struct err *err)
{
    (void)context;
    (void)err;
}

static void count_message(void *context, struct bus_message *message)
{
    count_up(context);
    bus_message_close(message);
}

static void after_a_reconnection_all_goes_on_and_who_asked_is_told(void **state)
{
    AUTO(bus) bus = open_bus();
    AUTO(bus_subscription) subscription = NULL;
    AUTO(bus_publisher) publisher = NULL;
    atomic_int told = 0, came = 0;
    struct bus_message *reply = NULL;
    struct err err = { 0 };
    struct bus_outgoing message = { .subject = "again.item" };
    struct bus_stream_state inspected;
    (void)state;
    for (int i = 0; i < 8; i++)
        must(bus_on_reconnect(bus, count_up, &told, &err), &err);
    assert_false(bus_on_reconnect(bus, count_up, &told, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    must(bus_subscribe(&subscription, bus, "again.*", NULL, count_message, &came, &err), &err);
    must(bus_publisher_open(&publisher, bus, 4, ignore_verdict, &err), &err);

    test_process_end(nats.pid, SIGKILL);
    assert_true(wait_connected(bus, false, 3000));
    clock_sleep_ms(100); /* both connections have noticed */
    assert_false(bus_publish_plain(bus, &message, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(bus_request(bus, &message, 5000, &reply, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(bus_publish(bus, &message, "a", 5000, NULL, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(bus_stream_inspect(bus, "ANY", &inspected, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(bus_publisher_put(publisher, &message, "a", NULL, 30, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);

    test_nats_restart(&nats);
    assert_true(wait_connected(bus, true, 5000));
    for (int i = 0; i < 2000 && (atomic_load(&told) < 8 || atomic_load(&came) == 0); i++) {
        must(bus_publish_plain(bus, &message, &err), &err);
        clock_sleep_ms(2);
    }
    assert_int_equal(atomic_load(&told), 8);
    assert_true(atomic_load(&came) > 0);
}

/* ---- in the middle ---- */
enum { MOST = 200000 };

struct flow {
    struct bus *bus;
    atomic_bool stop;
    atomic_uchar acked[MOST]; /* by bus_publish or by the publisher's handler */
    atomic_uchar received[MOST];
    atomic_int verdicts, puts;
};

/* One at a time, each number until it is acknowledged. */
static void *publish_each(void *context)
{
    struct flow *flow = context;
    for (int number = 0; number < MOST / 2 && !atomic_load(&flow->stop);) {
        struct err err = { 0 };
        char id[32];
        snprintf(id, sizeof id, "one-%d", number);
        struct bus_outgoing message = { .subject = "flow.one", .data = &number, .size = sizeof number };
        if (bus_publish(flow->bus, &message, id, 500, NULL, &err))
            atomic_store(&flow->acked[number++], 1);
        else
            clock_sleep_ms(10);
    }
    return NULL;
}

struct cargo {
    struct flow *flow;
    int number;
};

static void note_cargo(void *context, const struct err *err)
{
    struct cargo *cargo = context;
    atomic_fetch_add(&cargo->flow->verdicts, 1);
    if (!err)
        atomic_store(&cargo->flow->acked[cargo->number], 1);
    free(cargo);
}

static void *publish_many(void *context)
{
    struct flow *flow = context;
    AUTO(bus_publisher) publisher = NULL;
    struct err err = { 0 };
    if (!bus_publisher_open(&publisher, flow->bus, 128, note_cargo, &err))
        return NULL;
    for (int number = MOST / 2; number < MOST && !atomic_load(&flow->stop); number++) {
        char id[32];
        struct cargo *cargo = malloc(sizeof *cargo);
        *cargo = (struct cargo){ flow, number };
        snprintf(id, sizeof id, "many-%d", number);
        struct bus_outgoing message = { .subject = "flow.many", .data = &number, .size = sizeof number };
        if (bus_publisher_put(publisher, &message, id, cargo, 100, &err))
            atomic_fetch_add(&flow->puts, 1);
        else
            free(cargo);
        if (number % 50 == 0)
            clock_sleep_ms(2);
    }
    return bus_publisher_flush(publisher, 7000, &err) ? flow : NULL;
}

static void *receive(void *context)
{
    struct flow *flow = context;
    AUTO(bus_consumer) consumer = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = {
        .stream = "FLOW", .durable = "reader", .batch = 100, .ack_wait_ms = 1000, .max_deliver = 100
    };
    if (!bus_consumer_open(&consumer, flow->bus, &config, &err))
        return NULL;
    for (;;) {
        AUTO(bus_message) message = NULL;
        int number;
        if (!bus_consumer_next(consumer, 2500, &message, &err))
            return NULL;
        if (!message && atomic_load(&flow->stop))
            return flow;
        if (!message)
            continue;
        memcpy(&number, bus_message_data(message), sizeof number);
        atomic_store(&flow->received[number], 1);
        /* One that meets the connection just as it breaks is not sent, and the message comes again. */
        if (!bus_message_ack(flow->bus, message, &err) && err.kind != ERR_TRANSIENT)
            return NULL;
    }
}

static void what_was_acknowledged_arrives_though_the_server_is_killed_twice(void **state)
{
    AUTO(bus) bus = open_bus();
    struct flow *flow = calloc(1, sizeof *flow);
    pthread_t threads[3];
    void *ends[3];
    int acked = 0, lost = 0;
    (void)state;
    assert_non_null(flow);
    flow->bus = bus;
    make_stream(bus, "FLOW", "flow.>");
    assert_int_equal(pthread_create(&threads[0], NULL, receive, flow), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, publish_each, flow), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, publish_many, flow), 0);
    for (int i = 0; i < 2; i++) {
        clock_sleep_ms(400);
        test_process_end(nats.pid, SIGKILL);
        clock_sleep_ms(100);
        test_nats_restart(&nats);
        assert_true(wait_connected(bus, true, 5000));
    }
    clock_sleep_ms(400);
    atomic_store(&flow->stop, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], &ends[i]);
    assert_non_null(ends[0]);
    assert_non_null(ends[2]);
    assert_int_equal(atomic_load(&flow->verdicts), atomic_load(&flow->puts));
    for (int i = 0; i < MOST; i++) {
        acked += flow->acked[i];
        lost += flow->acked[i] && !flow->received[i];
    }
    assert_true(acked > 200);
    assert_int_equal(lost, 0);
    free(flow);
}

/* A server that is there and says nothing: heartbeats fail to come, the requests count as lost, and it goes on when it
 * wakes. */
static void a_server_that_stops_answering_is_noticed_and_asked_again(void **state)
{
    AUTO(bus) bus = open_bus();
    AUTO(bus_consumer) consumer = NULL;
    AUTO(bus_message) none = NULL;
    AUTO(bus_message) message = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "STUCK", .durable = "reader", .batch = 10 };
    (void)state;
    make_stream(bus, "STUCK", "stuck.>");
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    must(bus_consumer_next(consumer, 50, &none, &err), &err);
    kill(nats.pid, SIGSTOP);
    must(bus_consumer_next(consumer, 6000, &none, &err), &err);
    assert_null(none);
    kill(nats.pid, SIGCONT);
    must(bus_publish(bus, &(struct bus_outgoing){ .subject = "stuck.item" }, "s", 3000, NULL, &err), &err);
    must(bus_consumer_next(consumer, 4000, &message, &err), &err);
    assert_non_null(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_reconnection_all_goes_on_and_who_asked_is_told),
        cmocka_unit_test(what_was_acknowledged_arrives_though_the_server_is_killed_twice),
        cmocka_unit_test(a_server_that_stops_answering_is_noticed_and_asked_again),
    };
    return cmocka_run_group_tests(tests, start_server, NULL);
}
