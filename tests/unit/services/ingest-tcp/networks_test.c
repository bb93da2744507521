/* Which addresses may be reached. */
#include "networks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* after the four that it needs */
#include <cmocka.h>

static void only_what_is_listed_may_be_reached(void **state)
{
    static const char *const allowed[] = { "10.20.0.1", "10.20.255.255", "192.168.7.9", "2001:db8::1",
        "::ffff:10.20.3.4", "172.16.129.0" };
    static const char *const denied[] = { "10.21.0.1", "10.19.255.255", "192.168.7.8", "127.0.0.1", "0.0.0.0",
        "169.254.169.254", "::1", "::ffff:127.0.0.1", "2001:db9::1", "172.16.127.255", "rtu.example", "10.20.0.1.",
        "10.20.1", "0x0a140001", "10.20.0.1 ", "", "[2001:db8::1]", "2001:db8::1%eth0" };
    struct networks networks;
    struct err err = { 0 };
    (void)state;
    assert_true(networks_parse(&networks, "10.20.0.0/16, 192.168.7.9,2001:db8::/32 172.16.128.0/17", &err));
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (!networks_allow(&networks, allowed[i]))
            fail_msg("%s is refused", allowed[i]);
    for (size_t i = 0; i < COUNT_OF(denied); i++)
        if (networks_allow(&networks, denied[i]))
            fail_msg("%s is allowed", denied[i]);
    assert_true(networks_parse(&networks, "", &err));
    assert_false(networks_allow(&networks, "10.20.0.1"));
}

static void what_is_no_network_is_named(void **state)
{
    static const char *const bad[] = { "10.20.0.0/33", "10.20.0.0/-1", "10.20/16", "host", "::/129", "10.20.0.0/x",
        "/8" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct networks networks;
        struct err err = { 0 };
        assert_false(networks_parse(&networks, bad[i], &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_listed_may_be_reached),
        cmocka_unit_test(what_is_no_network_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
