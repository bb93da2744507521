/* Many presence events become one row a device, and from a row follows whether the device is there. */
#include "base/compiler.h"
#include "presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST "01900000-0000-7000-8000-0000000000a1"
#define SECOND "01900000-0000-7000-8000-0000000000a2"
#define SECOND_US INT64_C(1000000)

struct told {
    int32_t tenant_id;
    const char *device_id, *kind;
    int64_t at;
    const char *connection_id, *peer;
    int64_t last_reading_at;
};

static struct arena arena;

static struct presence *fold(const struct told *told, size_t count, size_t *out_count)
{
    struct err err = { 0 };
    struct presence *presences;
    Nwims__V1__DevicePresence *events = arena_alloc_array(&arena, count, sizeof *events);
    const Nwims__V1__DevicePresence **list = arena_alloc_array(&arena, count, sizeof *list);
    assert_true(events && list);
    for (size_t i = 0; i < count; i++) {
        nwims__v1__device_presence__init(&events[i]);
        events[i].has_tenant_id = events[i].has_at = true;
        events[i].tenant_id = told[i].tenant_id;
        events[i].device_id = (char *)(uintptr_t)told[i].device_id;
        events[i].kind = (char *)(uintptr_t)told[i].kind;
        events[i].at = told[i].at;
        events[i].protocol = (char *)(uintptr_t) "mqtt";
        events[i].connection_id = (char *)(uintptr_t)told[i].connection_id;
        events[i].peer = (char *)(uintptr_t)told[i].peer;
        events[i].has_last_reading_at = told[i].last_reading_at != 0;
        events[i].last_reading_at = told[i].last_reading_at;
        list[i] = &events[i];
    }
    assert_true(presence_fold(list, count, &arena, &presences, out_count, &err));
    return presences;
}

static void each_device_of_each_tenant_is_one_in_order(void **state)
{
    const struct told told[] = {
        { 2, FIRST, "seen", 10, NULL, NULL, 0 },
        { 1, SECOND, "seen", 20, NULL, NULL, 0 },
        { 1, FIRST, "seen", 30, NULL, NULL, 0 },
        { 1, SECOND, "seen", 5, NULL, NULL, 0 },
    };
    size_t count;
    (void)state;
    const struct presence *presences = fold(told, COUNT_OF(told), &count);
    assert_int_equal(count, 3);
    assert_int_equal(presences[0].tenant_id, 1);
    assert_string_equal(presences[0].device_id, FIRST);
    assert_string_equal(presences[1].device_id, SECOND);
    assert_int_equal(presences[1].last_seen_at, 20);
    assert_int_equal(presences[2].tenant_id, 2);
}

static void the_newest_of_each_kind_counts_however_they_come(void **state)
{
    const struct told told[] = {
        { 1, FIRST, "disconnected", 40, "b", NULL, 0 },
        { 1, FIRST, "connected", 30, "c", "192.0.2.3", 0 },
        { 1, FIRST, "connected", 10, "a", "192.0.2.1", 77 },
        { 1, FIRST, "disconnected", 35, "a", NULL, 0 },
        { 1, FIRST, "seen", 38, NULL, "", 66 },
        { 1, FIRST, "ready", 31, "c", NULL, 0 },
    };
    size_t count;
    (void)state;
    const struct presence *presence = fold(told, COUNT_OF(told), &count);
    assert_int_equal(count, 1);
    assert_string_equal(presence->connection_id, "c");
    assert_int_equal(presence->connected_at, 30);
    assert_string_equal(presence->ended_id, "b");
    assert_int_equal(presence->disconnected_at, 40);
    assert_int_equal(presence->last_seen_at, 38);
    assert_int_equal(presence->last_reading_at, 77);
    assert_string_equal(presence->peer, "192.0.2.3");
    assert_int_equal(presence->ready_at, 31);
}

static void what_is_no_event_of_a_device_is_passed_over(void **state)
{
    const struct told told[] = {
        { 0, FIRST, "seen", 10, NULL, NULL, 0 },
        { 1, NULL, "seen", 10, NULL, NULL, 0 },
        { 1, "'; DROP TABLE device", "seen", 10, NULL, NULL, 0 },
        { 1, FIRST, NULL, 10, NULL, NULL, 0 },
        { 1, FIRST, "vanished", 10, NULL, NULL, 0 },
        { 1, FIRST, "seen", 0, NULL, NULL, 0 },
    };
    size_t count;
    (void)state;
    fold(told, COUNT_OF(told), &count);
    assert_int_equal(count, 0);
}

static void a_device_is_there_as_its_protocol_shows_it(void **state)
{
    const int64_t now = INT64_C(1700000000) * SECOND_US;
    const struct {
        const char *what;
        struct presence_state state;
        bool is_online;
    } cases[] = {
        { "never heard of", { .is_connected = true }, false },
        { "connected", { true, true, now - 60 * SECOND_US, 0, 0 }, true },
        { "gone", { true, false, now - 60 * SECOND_US, now - 10 * SECOND_US, 0 }, false },
        { "one of two connections ended", { true, false, now - 5 * SECOND_US, now - 10 * SECOND_US, 0 }, true },
        { "its ingest died", { true, true, now - 3 * 3600 * SECOND_US, 0, 0 }, false },
        { "reports in time", { false, false, now - 2500 * SECOND_US, 0, 900 }, true },
        { "missed three periods", { false, false, now - 2701 * SECOND_US, 0, 900 }, false },
        { "a short period still has minutes", { false, false, now - 170 * SECOND_US, 0, 1 }, true },
        { "no period: an hour", { false, false, now - 3599 * SECOND_US, 0, 0 }, true },
        { "no period: over an hour", { false, false, now - 3601 * SECOND_US, 0, 0 }, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (presence_is_online(&cases[i].state, now) != cases[i].is_online)
            fail_msg("%s: %d", cases[i].what, !cases[i].is_online);
}

static void addresses_have_kinds(void **state)
{
    static const char *const cases[][2] = {
        { "127.0.0.1", "loopback" },
        { "::1", "loopback" },
        { "10.1.2.3", "ipv4-private" },
        { "172.16.0.1", "ipv4-private" },
        { "172.32.0.1", "ipv4" },
        { "192.168.1.1", "ipv4-private" },
        { "100.64.0.1", "ipv4-private" },
        { "100.128.0.1", "ipv4" },
        { "203.0.113.9", "ipv4" },
        { "::ffff:203.0.113.9", "ipv4" },
        { "::ffff:10.0.0.1", "ipv4-private" },
        { "fd00::1", "ipv6-private" },
        { "fe80::1", "ipv6-private" },
        { "2001:db8::1", "ipv6" },
        { "somewhere", "other" },
        { "", "other" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(presence_address_kind(cases[i][0]), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_device_of_each_tenant_is_one_in_order),
        cmocka_unit_test(the_newest_of_each_kind_counts_however_they_come),
        cmocka_unit_test(what_is_no_event_of_a_device_is_passed_over),
        cmocka_unit_test(a_device_is_there_as_its_protocol_shows_it),
        cmocka_unit_test(addresses_have_kinds),
    };
    arena_init(&arena, 1024 * 1024);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
