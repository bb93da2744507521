/* Pull consumers on a real server: order, settling, sharing, late answers, and what vanishes under them. */
#include "base/clock.h"
#include "bus/bus.h"
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

static void make_stream(const char *name, const char *subject, bool is_work_queue)
{
    struct err err = { 0 };
    struct bus_stream stream = { .name = name,
        .subjects = { subject },
        .max_bytes = 16 * 1024 * 1024,
        .duplicate_window_ms = 60000,
        .is_work_queue = is_work_queue };
    must(bus_stream_ensure(bus, &stream, &err), &err);
}

static void publish(const char *subject, int number)
{
    struct err err = { 0 };
    char id[64];
    snprintf(id, sizeof id, "%s-%d", subject, number);
    must(bus_publish(bus, &(struct bus_outgoing){ .subject = subject, .data = &number, .size = sizeof number }, id,
             2000, NULL, &err),
        &err);
}

static int number_of(const struct bus_message *message)
{
    int number;
    assert_int_equal(bus_message_size(message), sizeof number);
    memcpy(&number, bus_message_data(message), sizeof number);
    return number;
}

/* Asks JetStream for what this library has no call for. */
static void ask_api(const char *subject)
{
    AUTO(bus_message) reply = NULL;
    struct err err = { 0 };
    must(bus_request(bus, &(struct bus_outgoing){ .subject = subject }, 2000, &reply, &err), &err);
    assert_non_null(strstr(bus_message_data(reply), "\"success\":true"));
}

static int open_all(void **state)
{
    struct err err = { 0 };
    (void)state;
    test_nats_start(&nats);
    must(bus_open(&bus, &(struct bus_config){ .url = nats.url, .name = "bus-consumer-test" }, &err), &err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    bus_close(bus);
    return 0;
}

static void messages_come_in_order_with_their_position(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "ORDER", .durable = "reader", .batch = 3 };
    (void)state;
    make_stream("ORDER", "order.>", false);
    for (int i = 0; i < 20; i++)
        publish(i % 2 == 0 ? "order.even" : "order.odd", i);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    for (int i = 0; i < 20; i++) {
        AUTO(bus_message) message = NULL;
        struct bus_position position;
        must(bus_consumer_next(consumer, 2000, &message, &err), &err);
        assert_non_null(message);
        assert_int_equal(number_of(message), i);
        assert_string_equal(bus_message_subject(message), i % 2 == 0 ? "order.even" : "order.odd");
        assert_non_null(bus_message_header(message, "Nats-Msg-Id"));
        must(bus_message_position(message, &position, &err), &err);
        assert_int_equal(position.stream_sequence, i + 1);
        assert_int_equal(position.delivered, 1);
        assert_int_equal(position.pending, 19 - i);
        must(bus_message_ack(bus, message, &err), &err);
    }
}

static void an_empty_stream_gives_nothing_after_the_wait(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    struct bus_message *message = (struct bus_message *)&err_set;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "EMPTY", .durable = "reader", .batch = 10 };
    (void)state;
    make_stream("EMPTY", "empty.>", false);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    int64_t start_us = clock_monotonic_us();
    must(bus_consumer_next(consumer, 0, &message, &err), &err);
    assert_null(message);
    assert_true(clock_monotonic_us() - start_us < 100000);
    must(bus_consumer_next(consumer, 300, &message, &err), &err);
    assert_null(message);
    assert_true(clock_monotonic_us() - start_us >= 300000);
    publish("empty.no-more", 1);
    must(bus_consumer_next(consumer, 2000, &message, &err), &err);
    assert_non_null(message);
    bus_message_close(message);
}

static void a_filter_gives_only_what_it_names(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    AUTO(bus_message) none = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "FILTER", .durable = "odd", .filter = "filter.odd", .batch = 10 };
    (void)state;
    make_stream("FILTER", "filter.>", false);
    for (int i = 0; i < 10; i++)
        publish(i % 2 == 0 ? "filter.even" : "filter.odd", i);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    for (int i = 1; i < 10; i += 2) {
        AUTO(bus_message) message = NULL;
        must(bus_consumer_next(consumer, 2000, &message, &err), &err);
        assert_int_equal(number_of(message), i);
        must(bus_message_ack(bus, message, &err), &err);
    }
    must(bus_consumer_next(consumer, 50, &none, &err), &err);
    assert_null(none);
}

/* An acknowledgement is sent, not confirmed. */
static void wait_until_empty(const char *stream)
{
    struct bus_stream_state left = { 0 };
    struct err err = { 0 };
    for (int i = 0; i < 200; i++) {
        must(bus_stream_inspect(bus, stream, &left, &err), &err);
        if (left.messages == 0)
            return;
        clock_sleep_ms(10);
    }
    fail_msg("%llu messages are left", (unsigned long long)left.messages);
}

static void what_is_acknowledged_leaves_a_work_queue(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "WORK", .durable = "worker", .batch = 10 };
    (void)state;
    make_stream("WORK", "work.>", true);
    for (int i = 0; i < 5; i++)
        publish("work.item", i);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    for (int i = 0; i < 5; i++) {
        AUTO(bus_message) message = NULL;
        must(bus_consumer_next(consumer, 2000, &message, &err), &err);
        assert_non_null(message);
        must(i == 4 ? bus_message_term(bus, message, &err) : bus_message_ack(bus, message, &err), &err);
    }
    wait_until_empty("WORK");
}

/* The next one, which must be `number` delivered for the n-th time. */
static struct bus_message *next_is(struct bus_consumer *consumer, int number, uint64_t delivered)
{
    struct bus_message *message = NULL;
    struct bus_position position;
    struct err err = { 0 };
    must(bus_consumer_next(consumer, 3000, &message, &err), &err);
    assert_non_null(message);
    assert_int_equal(number_of(message), number);
    must(bus_message_position(message, &position, &err), &err);
    assert_int_equal(position.delivered, delivered);
    return message;
}

static void what_is_put_off_comes_again_after_its_delay(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "NAK", .durable = "worker", .batch = 10, .max_deliver = 3 };
    (void)state;
    make_stream("NAK", "nak.>", false);
    publish("nak.item", 7);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    AUTO(bus_message) first = next_is(consumer, 7, 1);
    int64_t start_us = clock_monotonic_us();
    must(bus_message_nak(bus, first, 300, &err), &err);
    AUTO(bus_message) second = next_is(consumer, 7, 2);
    assert_true(clock_monotonic_us() - start_us >= 295000);
    must(bus_message_nak(bus, second, 0, &err), &err);
    AUTO(bus_message) third = next_is(consumer, 7, 3);
    assert_false(bus_message_nak(bus, third, INT64_MAX, &err));
    assert_int_equal(err.kind, ERR_BUG);
    must(bus_message_nak(bus, third, 0, &err), &err);
    AUTO(bus_message) fourth = NULL; /* max_deliver was 3 */
    must(bus_consumer_next(consumer, 200, &fourth, &err), &err);
    assert_null(fourth);
}

static void what_is_not_settled_comes_again_unless_work_goes_on(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    AUTO(bus_message) early = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "WAIT", .durable = "worker", .batch = 10, .ack_wait_ms = 400 };
    (void)state;
    make_stream("WAIT", "wait.>", false);
    publish("wait.item", 3);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    AUTO(bus_message) first = next_is(consumer, 3, 1);
    for (int i = 0; i < 4; i++) {
        clock_sleep_ms(200);
        must(bus_message_in_progress(bus, first, &err), &err);
        must(bus_consumer_next(consumer, 0, &early, &err), &err);
        assert_null(early);
    }
    AUTO(bus_message) second = next_is(consumer, 3, 2);
    must(bus_message_ack(bus, second, &err), &err);
}

static void replicas_share_a_durable(void **state)
{
    enum { SENT = 300 };
    AUTO(bus) other = NULL;
    AUTO(bus_consumer) left = NULL;
    AUTO(bus_consumer) right = NULL;
    int seen[SENT] = { 0 }, by[2] = { 0, 0 };
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "SHARE", .durable = "workers", .batch = 10 };
    (void)state;
    make_stream("SHARE", "share.>", false);
    must(bus_open(&other, &(struct bus_config){ .url = nats.url }, &err), &err);
    must(bus_consumer_open(&left, bus, &config, &err), &err);
    must(bus_consumer_open(&right, other, &config, &err), &err);
    for (int i = 0; i < 2; i++) { /* so that both wait before the flood */
        AUTO(bus_message) none = NULL;
        must(bus_consumer_next(i == 0 ? left : right, 20, &none, &err), &err);
        assert_null(none);
    }
    for (int i = 0; i < SENT; i++)
        publish("share.item", i);
    for (int taken = 0, idle = 0; taken < SENT && idle < 100;) {
        AUTO(bus_message) message = NULL;
        int side = idle++ % 2;
        must(bus_consumer_next(side == 0 ? left : right, 20, &message, &err), &err);
        if (!message)
            continue;
        idle = side + 1;
        taken++;
        by[side]++;
        seen[number_of(message)]++;
        must(bus_message_ack(side == 0 ? bus : other, message, &err), &err);
    }
    for (int i = 0; i < SENT; i++)
        assert_int_equal(seen[i], 1);
    assert_true(by[0] > 0 && by[1] > 0);
}

/* ---- large messages ---- */
enum { LARGE = 400 * 1024, LARGE_COUNT = 30 };

static void publish_large(const char *subject, int number)
{
    static char body[LARGE];
    struct err err = { 0 };
    memcpy(body, &number, sizeof number);
    must(bus_publish(bus, &(struct bus_outgoing){ .subject = subject, .data = body, .size = sizeof body }, NULL, 5000,
             NULL, &err),
        &err);
}

/* How many the server has given and that are not acknowledged. */
static int handed_out(const char *info_subject)
{
    AUTO(bus_message) reply = NULL;
    struct err err = { 0 };
    must(bus_request(bus, &(struct bus_outgoing){ .subject = info_subject }, 2000, &reply, &err), &err);
    const char *found = strstr(bus_message_data(reply), "\"num_ack_pending\":");
    assert_non_null(found);
    return atoi(strchr(found, ':') + 1);
}

static void what_waits_here_is_bounded_in_bytes(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    struct err err = { 0 };
    /* Two requests of two messages each; by the count alone it would be all of them. */
    struct bus_consumer_config config = {
        .stream = "LARGE", .durable = "reader", .batch = 64, .batch_bytes = (int64_t)2 * LARGE + 300 * 1024
    };
    (void)state;
    make_stream("LARGE", "large.>", false);
    for (int i = 0; i < LARGE_COUNT; i++)
        publish_large("large.item", i);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    int64_t began_us = clock_monotonic_us();
    for (int i = 0; i < LARGE_COUNT; i++) {
        AUTO(bus_message) message = NULL;
        int number;
        must(bus_consumer_next(consumer, 3000, &message, &err), &err);
        assert_non_null(message);
        memcpy(&number, bus_message_data(message), sizeof number);
        assert_int_equal(number, i);
        if (i == 0)
            clock_sleep_ms(300); /* what may come has come */
        assert_in_range(handed_out("$JS.API.CONSUMER.INFO.LARGE.reader"), 0, 5);
        must(bus_message_ack(bus, message, &err), &err);
    }
    /* A full request is followed by the next without a pause. */
    assert_true(clock_monotonic_us() - began_us < 2000000);
}

static void a_message_larger_than_the_bound_comes_all_the_same(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    AUTO(bus_message) message = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "HUGE", .durable = "reader", .batch = 64, .batch_bytes = 1000 };
    (void)state;
    make_stream("HUGE", "huge.>", false);
    publish_large("huge.item", 1);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    must(bus_consumer_next(consumer, 3000, &message, &err), &err);
    assert_non_null(message);
    assert_int_equal(bus_message_size(message), LARGE);
}

/* ---- late answers ---- */
struct trickle {
    atomic_bool stop;
    int sent;
};

static void *trickle(void *context)
{
    struct trickle *trickle = context;
    while (!atomic_load(&trickle->stop)) {
        struct err err = { 0 };
        int number = trickle->sent;
        struct bus_outgoing message = { .subject = "late.item", .data = &number, .size = sizeof number };
        if (bus_publish(bus, &message, NULL, 2000, NULL, &err))
            trickle->sent++;
        if (number % 7 == 0)
            clock_sleep_ms(1 + number % 3);
    }
    return NULL;
}

/* natsSubscription_Fetch corrupts the heap here: requests of 2 ms end while messages are on their way. Run it under
 * ASan. */
static void late_answers_to_short_requests_harm_nothing(void **state)
{
    enum { MOST = 200000, RUN_US = 2500000 };
    AUTO(bus_consumer) consumer = NULL;
    struct trickle source = { false, 0 };
    pthread_t thread;
    struct err err = { 0 };
    char *seen = calloc(MOST, 1);
    int received = 0;
    struct bus_consumer_config config = { .stream = "LATE", .durable = "reader", .batch = 10, .expires_ms = 2 };
    (void)state;
    assert_non_null(seen);
    make_stream("LATE", "late.>", false);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, trickle, &source), 0);
    int64_t end_us = clock_monotonic_us() + RUN_US;
    for (int i = 0; !atomic_load(&source.stop) || received < source.sent; i++) {
        AUTO(bus_message) message = NULL;
        bool is_over = clock_monotonic_us() > end_us;
        if (is_over && !atomic_exchange(&source.stop, true))
            pthread_join(thread, NULL);
        must(bus_consumer_next(consumer, is_over ? 1000 : i % 3, &message, &err), &err);
        if (is_over && !message)
            break;
        if (!message)
            continue;
        assert_in_range(number_of(message), 0, MOST - 1);
        seen[number_of(message)]++;
        received++;
        must(bus_message_ack(bus, message, &err), &err);
    }
    assert_true(source.sent > 500);
    assert_int_equal(received, source.sent);
    for (int i = 0; i < source.sent; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
}

static void what_a_closed_consumer_held_comes_to_the_next_at_once(void **state)
{
    struct bus_consumer *first = NULL;
    AUTO(bus_consumer) second = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "HELD", .durable = "reader", .batch = 50, .ack_wait_ms = 60000 };
    bool seen[40] = { false };
    (void)state;
    make_stream("HELD", "held.>", false);
    for (int i = 0; i < 40; i++)
        publish("held.item", i);
    must(bus_consumer_open(&first, bus, &config, &err), &err);
    struct bus_message *one = next_is(first, 0, 1);
    must(bus_message_ack(bus, one, &err), &err);
    bus_message_close(one);
    clock_sleep_ms(50); /* the others have arrived */
    bus_consumer_close(first);
    must(bus_consumer_open(&second, bus, &config, &err), &err);
    for (int i = 1; i < 40; i++) {
        AUTO(bus_message) message = NULL;
        must(bus_consumer_next(second, 2000, &message, &err), &err);
        assert_non_null(message);
        seen[number_of(message)] = true;
        must(bus_message_ack(bus, message, &err), &err);
    }
    for (int i = 1; i < 40; i++)
        assert_true(seen[i]);
    bus_consumer_close(NULL);
}

/* ---- what vanishes ---- */
static void a_durable_that_was_deleted_is_made_anew(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "GONE", .durable = "reader", .batch = 10 };
    (void)state;
    make_stream("GONE", "gone.>", true);
    publish("gone.item", 1);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    AUTO(bus_message) before = next_is(consumer, 1, 1);
    must(bus_message_ack(bus, before, &err), &err);
    wait_until_empty("GONE");
    ask_api("$JS.API.CONSUMER.DELETE.GONE.reader");
    publish("gone.item", 2);
    AUTO(bus_message) after = next_is(consumer, 2, 1);
    must(bus_message_ack(bus, after, &err), &err);
}

static void a_stream_that_was_made_anew_is_found_again(void **state)
{
    AUTO(bus_consumer) consumer = NULL;
    AUTO(bus_message) none = NULL;
    struct bus_stream_state old, new;
    struct err err = { 0 };
    struct bus_consumer_config config = { .stream = "PHOENIX", .durable = "reader", .batch = 10 };
    (void)state;
    make_stream("PHOENIX", "phoenix.>", false);
    publish("phoenix.item", 1);
    must(bus_stream_inspect(bus, "PHOENIX", &old, &err), &err);
    must(bus_consumer_open(&consumer, bus, &config, &err), &err);
    AUTO(bus_message) before = next_is(consumer, 1, 1);
    ask_api("$JS.API.STREAM.DELETE.PHOENIX");
    must(bus_consumer_next(consumer, 400, &none, &err), &err);
    assert_null(none);
    make_stream("PHOENIX", "phoenix.>", false);
    must(bus_stream_inspect(bus, "PHOENIX", &new, &err), &err);
    assert_true(new.created_at_us > old.created_at_us);
    publish("phoenix.item", 2);
    AUTO(bus_message) after = next_is(consumer, 2, 1);
    must(bus_message_ack(bus, after, &err), &err);
}

static void an_open_tells_what_is_wrong(void **state)
{
    static const struct {
        struct bus_consumer_config config;
        enum err_kind expect;
    } cases[] = {
        { { .stream = "ABSENT", .durable = "d", .batch = 1 }, ERR_NOT_FOUND },
        { { .stream = "OPEN", .durable = "d", .batch = 0 }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "d", .batch = 1000000 }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "d.e", .batch = 1 }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = NULL, .batch = 1 }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "d", .filter = "a b", .batch = 1 }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "d", .batch = 1, .ack_wait_ms = INT64_MAX }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "d", .batch = 1, .max_deliver = -1 }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "d", .batch = 1, .expires_ms = -1 }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "fixed", .batch = 1, .filter = "open.one" }, ERR_NONE },
        { { .stream = "OPEN", .durable = "fixed", .batch = 1, .filter = "open.two" }, ERR_CONFIG },
        { { .stream = "OPEN", .durable = "fixed", .batch = 1, .filter = "open.one", .ack_wait_ms = 1000 }, ERR_NONE },
    };
    (void)state;
    make_stream("OPEN", "open.>", false);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(bus_consumer) consumer = NULL;
        struct err err = { 0 };
        bool ok = bus_consumer_open(&consumer, bus, &cases[i].config, &err);
        if (ok != (cases[i].expect == ERR_NONE) || err.kind != cases[i].expect)
            fail_msg("case %zu: %s %s", i, err_kind_name(err.kind), err.text);
    }
}

static void names_that_are_too_long_are_refused(void **state)
{
    struct bus_consumer *consumer = NULL;
    struct err err = { 0 };
    char name[300];
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(bus_consumer_open(
        &consumer, bus, &(struct bus_consumer_config){ .stream = "OPEN", .durable = name, .batch = 1 }, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_in_order_with_their_position),
        cmocka_unit_test(an_empty_stream_gives_nothing_after_the_wait),
        cmocka_unit_test(a_filter_gives_only_what_it_names),
        cmocka_unit_test(what_is_acknowledged_leaves_a_work_queue),
        cmocka_unit_test(what_is_put_off_comes_again_after_its_delay),
        cmocka_unit_test(what_is_not_settled_comes_again_unless_work_goes_on),
        cmocka_unit_test(replicas_share_a_durable),
        cmocka_unit_test(what_waits_here_is_bounded_in_bytes),
        cmocka_unit_test(a_message_larger_than_the_bound_comes_all_the_same),
        cmocka_unit_test(late_answers_to_short_requests_harm_nothing),
        cmocka_unit_test(what_a_closed_consumer_held_comes_to_the_next_at_once),
        cmocka_unit_test(a_durable_that_was_deleted_is_made_anew),
        cmocka_unit_test(a_stream_that_was_made_anew_is_found_again),
        cmocka_unit_test(an_open_tells_what_is_wrong),
        cmocka_unit_test(names_that_are_too_long_are_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
