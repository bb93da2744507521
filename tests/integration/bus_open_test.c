/* Opening a bus: refused, misspelt, too early, and with nobody there. */
#include "base/clock.h"
#include "bus/bus.h"
#include "tests/support/test_process.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static int make_folder(void **state)
{
    (void)state;
    folder = test_folder_new();
    return 0;
}

/* ---- opening ---- */
static void start_guarded(const char *password, int port, pid_t *out_pid)
{
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    const char *argv[] = { "nats-server", "-a", "127.0.0.1", "-p", port_text, "--user", "nwims", "--pass", password,
        NULL };
    *out_pid = test_process_start(folder, "guarded", argv);
    test_wait_for_port(port);
}

static void a_bus_that_refuses_us_is_a_mistake_of_the_configuration(void **state)
{
    char url[64];
    pid_t pid;
    struct bus *none = NULL;
    AUTO(bus) bus = NULL;
    struct err err = { 0 };
    int port = test_free_port();
    (void)state;
    start_guarded("right", port, &pid);
    snprintf(url, sizeof url, "nats://127.0.0.1:%d", port);
    int64_t start_us = clock_monotonic_us();
    assert_false(bus_open(&none, &(struct bus_config){ .url = url, .user = "nwims", .password = "wrong" }, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(bus_open(&none, &(struct bus_config){ .url = url }, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_true(clock_monotonic_us() - start_us < 2000000);
    must(bus_open(&bus, &(struct bus_config){ .url = url, .user = "nwims", .password = "right" }, &err), &err);

    /* The password changes: after reconnecting we are refused, and say so instead of trying for ever. */
    test_process_end(pid, SIGKILL);
    start_guarded("changed", port, &pid);
    struct bus_outgoing message = { .subject = "any" };
    int64_t end_us = clock_monotonic_us() + 8000000;
    do
        assert_false(bus_publish_plain(bus, &message, &err) && clock_monotonic_us() > end_us);
    while (err.kind != ERR_CONFIG && clock_monotonic_us() < end_us);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(bus_is_connected(bus));
    test_process_end(pid, SIGKILL);
}

static void an_address_that_is_none_is_a_mistake_of_the_configuration(void **state)
{
    struct bus *bus = NULL;
    char many[400] = "", long_one[2000];
    (void)state;
    memset(long_one, 'x', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    for (int i = 0; i < 17; i++)
        strcat(many, "nats://127.0.0.1:1,");
    const char *const bad[] = { "", ",", many, long_one };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = { 0 };
        assert_false(bus_open(&bus, &(struct bus_config){ .url = bad[i] }, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
    bus_close(NULL);
}

static void a_server_that_starts_a_little_later_is_waited_for(void **state)
{
    char url[128], command[128];
    AUTO(bus) bus = NULL;
    struct err err = { 0 };
    int port = test_free_port();
    (void)state;
    snprintf(command, sizeof command, "sleep 0.4; exec nats-server -a 127.0.0.1 -p %d", port);
    const char *argv[] = { "sh", "-c", command, NULL };
    pid_t pid = test_process_start(folder, "later", argv);
    snprintf(url, sizeof url, "nats://127.0.0.1:%d, nats://127.0.0.1:1", port);
    must(bus_open(&bus, &(struct bus_config){ .url = url, .name = "early" }, &err), &err);
    assert_true(bus_is_connected(bus));
    test_process_end(pid, SIGKILL);
}

static void without_a_server_an_open_gives_up_and_says_later(void **state)
{
    char url[64];
    struct bus *bus = NULL;
    struct err err = { 0 };
    (void)state;
    snprintf(url, sizeof url, "nats://127.0.0.1:%d", test_free_port());
    int64_t start_us = clock_monotonic_us();
    assert_false(bus_open(&bus, &(struct bus_config){ .url = url }, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_in_range(clock_monotonic_us() - start_us, 4500000, 8000000);
    assert_null(bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bus_that_refuses_us_is_a_mistake_of_the_configuration),
        cmocka_unit_test(an_address_that_is_none_is_a_mistake_of_the_configuration),
        cmocka_unit_test(a_server_that_starts_a_little_later_is_waited_for),
        cmocka_unit_test(without_a_server_an_open_gives_up_and_says_later),
    };
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
