#include "auth/auth.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_list_grants_what_it_holds(void **state)
{
    static const struct {
        const char *list, *needed;
        bool granted;
    } cases[] = {
        { "sensors:read", "sensors:read", true },
        { "zones:read sensors:read users:read", "sensors:read", true },
        { "sensors:read", "sensors:write", false },
        { "sensors:read", "sensors:rea", false },
        { "sensors:read", "ensors:read", false },
        { "sensors:readings", "sensors:read", false },
        { "xsensors:read", "sensors:read", false },
        { "sensors:*", "sensors:delete", true },
        { "sensors:*", "sensor:read", false },
        { "sensor:*", "sensors:read", false },
        { "*:*", "tenants:write", true },
        { "*:read", "tenants:read", false },
        { "*", "tenants:read", false },
        { "", "tenants:read", false },
        { NULL, "tenants:read", false },
        { "  sensors:read ", "sensors:read", true },
        { "", "", true },
        { NULL, NULL, true },
        { "nonsense", "nonsense", true },
        { "sensors:*", "sensors", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (permission_granted(cases[i].list, cases[i].needed) != cases[i].granted)
            fail_msg("%s / %s", cases[i].list ? cases[i].list : "NULL", cases[i].needed ? cases[i].needed : "NULL");
}

static void roles_may_what_their_names_say(void **state)
{
    static const struct {
        const char *role, *needed;
        bool granted;
    } cases[] = {
        { "national_admin", "tenants:write", true },
        { "tenant_admin", "tenants:read", false },
        { "tenant_admin", "tenants:write", false },
        { "tenant_admin", "users:write", true },
        { "tenant_admin", "zones:delete", true },
        { "operator", "alerts:write", true },
        { "operator", "users:read", false },
        { "analyst", "exports:write", true },
        { "analyst", "alerts:write", false },
        { "viewer", "readings:read", true },
        { "viewer", "readings:write", false },
        { "technician", "devices:write", true },
        { "technician", "devices:delete", false },
        { "device", "readings:write", true },
        { "device", "readings:read", false },
        { "no such role", "readings:read", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (permission_granted(role_permissions(cases[i].role), cases[i].needed) != cases[i].granted)
            fail_msg("%s / %s", cases[i].role, cases[i].needed);
}

static void all_roles_together_fit_into_a_token(void **state)
{
    char permissions[CLAIM_PERMISSIONS_SIZE];
    struct err err = { 0 };
    size_t count = 0;
    (void)state;
    while (role_names[count])
        count++;
    assert_int_equal(count, 7);
    assert_true(role_permissions_join(permissions, role_names, count, &err));
    assert_string_equal(permissions, "*:*");
    assert_true(role_permissions_join(permissions, role_names + 1, count - 1, &err));
    /* Also in the order in which the least is covered by what came before. */
    static const char *const rising[] = { "device", "viewer", "technician", "analyst", "operator", "tenant_admin" };
    assert_true(role_permissions_join(permissions, rising, COUNT_OF(rising), &err));
    assert_true(permission_granted(permissions, "users:write"));
}

static void joined_roles_repeat_nothing(void **state)
{
    static const char *const roles[] = { "device", "device", "viewer" };
    char permissions[CLAIM_PERMISSIONS_SIZE];
    struct err err = { 0 };
    (void)state;
    assert_true(role_permissions_join(permissions, roles, 2, &err));
    assert_string_equal(permissions, "readings:write");
    assert_true(role_permissions_join(permissions, roles, 0, &err));
    assert_string_equal(permissions, "");
    static const char *const unknown[] = { "viewer", "root" };
    assert_false(role_permissions_join(permissions, unknown, 2, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_grants_what_it_holds),
        cmocka_unit_test(roles_may_what_their_names_say),
        cmocka_unit_test(all_roles_together_fit_into_a_token),
        cmocka_unit_test(joined_roles_repeat_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
