#include "auth/auth.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static void join_roles(char permissions[CLAIM_PERMISSIONS_SIZE], const char *const *roles, size_t count)
{
    struct err err = { 0 };
    permissions[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if (!permission_join(permissions, role_permissions(roles[i]), &err))
            fail_msg("%s: %s", roles[i], err.text);
}

static void all_roles_together_fit_into_a_token(void **state)
{
    char permissions[CLAIM_PERMISSIONS_SIZE];
    size_t count = 0;
    (void)state;
    while (role_names[count])
        count++;
    assert_int_equal(count, 7);
    join_roles(permissions, role_names, count);
    assert_string_equal(permissions, "*:*");
    join_roles(permissions, role_names + 1, count - 1);
    /* Also in the order in which the least is covered by what came before. */
    static const char *const rising[] = { "device", "viewer", "technician", "analyst", "operator", "tenant_admin" };
    join_roles(permissions, rising, COUNT_OF(rising));
    assert_true(permission_granted(permissions, "users:write"));
}

static void joined_roles_repeat_nothing(void **state)
{
    static const char *const roles[] = { "device", "device", "viewer" };
    char permissions[CLAIM_PERMISSIONS_SIZE];
    (void)state;
    join_roles(permissions, roles, 2);
    assert_string_equal(permissions, "readings:write");
    join_roles(permissions, roles, 0);
    assert_string_equal(permissions, "");
}

static void what_does_not_fit_is_refused_and_not_cut(void **state)
{
    char permissions[CLAIM_PERMISSIONS_SIZE] = "", one[32];
    struct err err = { 0 };
    int joined = 0;
    (void)state;
    for (snprintf(one, sizeof one, "noun-%04d:read", joined); permission_join(permissions, one, &err);
         snprintf(one, sizeof one, "noun-%04d:read", joined))
        joined++;
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(joined, CLAIM_PERMISSIONS_SIZE / 15);
    assert_int_equal(strlen(permissions), (size_t)joined * 15 - 1);
}

static void a_list_covers_what_it_grants_in_full(void **state)
{
    (void)state;
    assert_true(permission_covers("*:*", role_permissions("tenant_admin")));
    assert_true(permission_covers(role_permissions("operator"), role_permissions("viewer")));
    assert_false(permission_covers(role_permissions("viewer"), role_permissions("operator")));
    assert_false(permission_covers("sensors:read sensors:write sensors:delete", "sensors:*"));
    assert_true(permission_covers("", ""));
    assert_false(permission_covers("", "sensors:read"));
}

static void the_catalogue_has_all_that_roles_grant(void **state)
{
    (void)state;
    for (size_t i = 0; role_names[i]; i++) {
        const char *at = role_permissions(role_names[i]);
        assert_true(*role_description(role_names[i]));
        while (*at) {
            char one[CLAIM_TEXT_SIZE];
            snprintf(one, sizeof one, "%.*s", (int)strcspn(at, " "), at);
            if (!permission_exists(one))
                fail_msg("%s of %s is not in the catalogue", one, role_names[i]);
            at += strlen(one);
            at += *at == ' ';
        }
    }
    assert_false(permission_exists(""));
    assert_false(permission_exists("sensors"));
    assert_false(permission_exists("sensors:"));
    assert_false(permission_exists("sensor:*"));
    assert_false(permission_exists("nothing:read"));
    assert_false(permission_exists("*:read"));
    assert_false(permission_exists(":*"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_grants_what_it_holds),
        cmocka_unit_test(roles_may_what_their_names_say),
        cmocka_unit_test(all_roles_together_fit_into_a_token),
        cmocka_unit_test(joined_roles_repeat_nothing),
        cmocka_unit_test(what_does_not_fit_is_refused_and_not_cut),
        cmocka_unit_test(a_list_covers_what_it_grants_in_full),
        cmocka_unit_test(the_catalogue_has_all_that_roles_grant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
