/* Who may do what where: the decision of every call. */
#include "auth/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define A "m:0190b8a0-0000-7000-8000-00000000000a"
#define B "m:0190b8a0-0000-7000-8000-00000000000b"
#define R "r:0190b8a0-0000-7000-8000-0000000000cc"

static struct grants made_of(const char *const parts[][2], size_t count)
{
    struct grants grants = { 0 };
    struct err err = { 0 };
    for (size_t i = 0; i < count; i++)
        if (!grants_add(&grants, parts[i][0], parts[i][1], &err))
            fail_msg("%s", err.text);
    return grants;
}

/* Viewer everywhere, operator in A, something else in A and B together, something in a region. */
static const char *const usual[][2] = {
    { "", "sensors:read alerts:read" },
    { A, "sensors:read sensors:write alerts:write" },
    { A " " B, "devices:write" },
    { R, "sensors:write" },
};

static void the_whole_tenant_wins_else_all_places_together(void **state)
{
    static const struct {
        const char *needed;
        bool granted;
        const char *scope;
    } cases[] = {
        { "sensors:read", true, "" },
        { "alerts:write", true, A },
        { "devices:write", true, A " " B },
        { "sensors:write", true, A " " R },
        { "users:write", false, "" },
        { "", true, "" },
    };
    struct grants grants = made_of(usual, COUNT_OF(usual));
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char permissions[CLAIM_PERMISSIONS_SIZE], scope[GRANT_SCOPE_SIZE];
        bool granted = grants_decide(grants.permissions, grants.scoped, cases[i].needed, permissions, scope);
        if (granted != cases[i].granted || strcmp(scope, cases[i].scope) != 0)
            fail_msg("%s: %d in \"%s\"", cases[i].needed, granted, scope);
        if (granted)
            assert_true(permission_granted(permissions, cases[i].needed));
    }
}

static void what_holds_elsewhere_is_not_passed_on(void **state)
{
    char permissions[CLAIM_PERMISSIONS_SIZE], scope[GRANT_SCOPE_SIZE];
    struct grants grants = made_of(usual, COUNT_OF(usual));
    (void)state;
    assert_true(grants_decide(grants.permissions, grants.scoped, "devices:write", permissions, scope));
    assert_true(permission_granted(permissions, "sensors:read"));  /* everywhere */
    assert_false(permission_granted(permissions, "alerts:write")); /* in A, but not in B */
    assert_true(grants_decide(grants.permissions, grants.scoped, "sensors:read", permissions, scope));
    assert_false(permission_granted(permissions, "sensors:write")); /* the scope of this call is everything */
}

static void what_is_granted_everywhere_takes_no_room_in_the_parts(void **state)
{
    struct grants grants = made_of(usual, COUNT_OF(usual));
    (void)state;
    assert_null(strstr(grants.scoped, "sensors:read"));
    assert_string_equal(grants.scoped, A "=sensors:write alerts:write;" A " " B "=devices:write;" R "=sensors:write");
}

static void the_same_scope_is_one_grant(void **state)
{
    static const char *const parts[][2] = { { A, "sensors:write" }, { A, "sensors:write alerts:write" } };
    struct grants grants = made_of(parts, COUNT_OF(parts));
    (void)state;
    assert_string_equal(grants.scoped, A "=sensors:write alerts:write");
}

static void more_than_a_token_holds_is_refused(void **state)
{
    struct grants many_scopes = { 0 }, many_places = { 0 }, many_bytes = { 0 };
    struct err err = { 0 };
    char scope[64], permissions[CLAIM_PERMISSIONS_SIZE] = "";
    int added = 0;
    (void)state;
    for (;; added++) {
        snprintf(scope, sizeof scope, "m:0190b8a0-0000-7000-8000-%012d", added);
        if (!grants_add(&many_scopes, scope, "sensors:write", &err))
            break;
    }
    assert_int_equal(added, MOST_SCOPED_GRANTS);
    assert_int_equal(err.kind, ERR_LIMIT);
    char places[GRANT_SCOPE_SIZE] = "";
    for (int i = 0; i <= MOST_SCOPE_ITEMS; i++)
        snprintf(places + strlen(places), sizeof places - strlen(places), "%sm:0190b8a0-0000-7000-8000-%012d",
            i ? " " : "", i);
    assert_false(grants_add(&many_places, places, "sensors:write", &err));
    for (int i = 0; i < 60; i++)
        snprintf(permissions + strlen(permissions), sizeof permissions - strlen(permissions), "%snoun-%03d:write",
            i ? " " : "", i);
    for (added = 0; added < MOST_SCOPED_GRANTS; added++) {
        snprintf(scope, sizeof scope, "m:0190b8a0-0000-7000-8000-%012d", added);
        if (!grants_add(&many_bytes, scope, permissions, &err))
            break;
    }
    assert_int_equal(added, 4); /* of 900 bytes each in 4096 */
    assert_true(strlen(many_bytes.scoped) < CLAIM_GRANTS_SIZE);
}

static void the_union_of_all_places_always_fits(void **state)
{
    struct grants grants = { 0 };
    struct err err = { 0 };
    char scope[64], permissions[CLAIM_PERMISSIONS_SIZE], all[GRANT_SCOPE_SIZE];
    (void)state;
    for (int i = 0; i < MOST_SCOPED_GRANTS; i++) {
        snprintf(scope, sizeof scope, "m:0190b8a0-0000-7000-8000-%012d", i);
        assert_true(grants_add(&grants, scope, "sensors:write", &err));
    }
    assert_true(grants_decide("", grants.scoped, "sensors:write", permissions, all));
    assert_int_equal(strlen(all), MOST_SCOPED_GRANTS * 39 - 1);
    assert_true(MOST_SCOPE_ITEMS * 39 <= GRANT_SCOPE_SIZE);
}

static void hostile_texts_grant_nothing(void **state)
{
    static const char *const texts[] = { "sensors:write", "=sensors:write", ";;;", A, A "=", "=", A ";sensors:write",
        ";" A "=sensors:write" };
    char permissions[CLAIM_PERMISSIONS_SIZE], scope[GRANT_SCOPE_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (grants_decide("", texts[i], "sensors:write", permissions, scope))
            fail_msg("%s", texts[i]);
}

static void a_key_does_no_more_than_its_maker(void **state)
{
    static const char *const key[][2] = { { "", "sensors:read users:write" }, { A, "alerts:write devices:write" } };
    static const char *const maker[][2] = { { "", "sensors:* alerts:read" }, { A, "alerts:*" } };
    struct grants wanted = made_of(key, COUNT_OF(key)), limit = made_of(maker, COUNT_OF(maker)), out;
    struct grants everything = { .permissions = "*:*" };
    struct err err = { 0 };
    (void)state;
    assert_true(grants_intersect(&out, &wanted, &limit, &err));
    assert_string_equal(out.permissions, "sensors:read");
    assert_string_equal(out.scoped, A "=alerts:write");
    assert_true(grants_intersect(&out, &wanted, &everything, &err));
    assert_string_equal(out.permissions, wanted.permissions);
    assert_string_equal(out.scoped, wanted.scoped);
    assert_true(grants_covered_by(&wanted, "*:*"));
    assert_false(grants_covered_by(&wanted, "sensors:* users:*"));
    assert_true(grants_covered_by(&wanted, "sensors:* users:* alerts:* devices:write"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_tenant_wins_else_all_places_together),
        cmocka_unit_test(what_holds_elsewhere_is_not_passed_on),
        cmocka_unit_test(what_is_granted_everywhere_takes_no_room_in_the_parts),
        cmocka_unit_test(the_same_scope_is_one_grant),
        cmocka_unit_test(more_than_a_token_holds_is_refused),
        cmocka_unit_test(the_union_of_all_places_always_fits),
        cmocka_unit_test(hostile_texts_grant_nothing),
        cmocka_unit_test(a_key_does_no_more_than_its_maker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
