/* Records of those without a database, on a real NATS that goes away and comes back. */
#include "base/clock.h"
#include "service/audit_trail.h"
#include "service/streams.h"
#include "tests/support/test_process.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct test_nats nats;
static struct bus *bus;
static const struct rpc_caller caller = { .tenant_id = 7, .actor = "u-1", .peer = "192.0.2.1" };
static const struct audit_event event = { .action = "access.refused", .outcome = "refused" };

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static void wait_for_messages(uint64_t wanted)
{
    struct bus_stream_state state = { 0 };
    int64_t end = clock_monotonic_us() + INT64_C(60000000);
    while (clock_monotonic_us() < end) {
        struct err err = { 0 };
        if (bus_stream_inspect(bus, "AUDIT", &state, &err) && state.messages >= wanted)
            break;
        clock_sleep_ms(20);
    }
    assert_int_equal(state.messages, wanted);
}

static void a_bus_that_is_away_delays_nobody_and_loses_nothing(void **state)
{
    struct err err = { 0 };
    AUTO(audit_trail) trail = NULL;
    (void)state;
    must(audit_trail_open(&trail, bus, "test", &err), &err);
    audit_trail_put(trail, &caller, &event);
    wait_for_messages(1);
    test_process_end(nats.pid, SIGKILL);
    int64_t began_us = clock_monotonic_us();
    for (int i = 0; i < 500; i++)
        audit_trail_put(trail, &caller, &event);
    assert_true(clock_monotonic_us() - began_us < 2000000);
    assert_true(audit_trail_has_room(trail));
    test_nats_restart(&nats);
    wait_for_messages(501);
}

static void a_queue_that_is_full_says_so_and_goes_on(void **state)
{
    struct err err = { 0 };
    AUTO(audit_trail) trail = NULL;
    (void)state;
    must(audit_trail_open(&trail, bus, "test", &err), &err);
    test_process_end(nats.pid, SIGKILL);
    for (int i = 0; i < 9000; i++)
        audit_trail_put(trail, &caller, &event);
    assert_false(audit_trail_has_room(trail));
    test_nats_restart(&nats);
    int64_t end = clock_monotonic_us() + INT64_C(60000000);
    while (!audit_trail_has_room(trail) && clock_monotonic_us() < end)
        clock_sleep_ms(20);
    assert_true(audit_trail_has_room(trail));
}

static void what_was_published_before_the_answer_is_there_at_once(void **state)
{
    struct err err = { 0 };
    struct bus_stream_state before, after;
    AUTO(audit_trail) trail = NULL;
    (void)state;
    must(audit_trail_open(&trail, bus, "test", &err), &err);
    must(bus_stream_inspect(bus, "AUDIT", &before, &err), &err);
    audit_trail_publish(trail, &caller, &event, 10000);
    must(bus_stream_inspect(bus, "AUDIT", &after, &err), &err);
    assert_int_equal(after.last_sequence, before.last_sequence + 1);
}

static int start(void **state)
{
    struct err err = { 0 };
    (void)state;
    test_nats_start(&nats);
    must(bus_open(&bus, &(struct bus_config){ .url = nats.url, .user = "", .password = "", .name = "test" }, &err) &&
             streams_ensure(bus, &err),
        &err);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bus_close(bus);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bus_that_is_away_delays_nobody_and_loses_nothing),
        cmocka_unit_test(what_was_published_before_the_answer_is_there_at_once),
        cmocka_unit_test(a_queue_that_is_full_says_so_and_goes_on),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
