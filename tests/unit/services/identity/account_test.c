/* The decisions of identity: accounts, grants, delays after failures, the rotation of keys. */
#include "account.h"
#include "auth/auth.h"
#include "key_rotation.h"
#include "lockout.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void addresses_are_told_from_other_texts(void **state)
{
    static const struct {
        const char *email;
        bool good;
    } cases[] = { { "a@b", true }, { "operator@example.org", true }, { "x", false }, { "", false }, { NULL, false },
        { "@example.org", false }, { "operator@", false }, { "a@b@c", false }, { "a b@c", false }, { "a@b\n", false },
        { "no address", false } };
    char endless[400];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if ((account_email_fault(cases[i].email) == NULL) != cases[i].good)
            fail_msg("%s", cases[i].email ? cases[i].email : "NULL");
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    endless[10] = '@';
    assert_non_null(account_email_fault(endless));
}

static void codes_of_tenants_are_short_and_plain(void **state)
{
    (void)state;
    assert_true(account_tenant_code_is_good("lake_side-2"));
    assert_false(account_tenant_code_is_good("x"));
    assert_false(account_tenant_code_is_good(NULL));
    assert_false(account_tenant_code_is_good("lake side"));
    assert_false(account_tenant_code_is_good("01234567890123456789012345678901234567890"));
}

static void roles_of_people_are_built_in_or_have_names_of_their_own(void **state)
{
    (void)state;
    assert_true(account_role_is_built_in("viewer"));
    assert_false(account_role_is_built_in("device"));
    assert_false(account_role_is_built_in("root"));
    assert_true(account_role_name_is_good("night_shift-2"));
    static const char *const bad[] = { "operator", "device", "x", "Night", "2nights", "night shift", "", NULL };
    for (size_t i = 0; bad[i]; i++)
        assert_false(account_role_name_is_good(bad[i]));
    assert_false(account_role_name_is_good(NULL));
}

static void levels_have_ranks(void **state)
{
    (void)state;
    assert_int_equal(account_tenant_rank("nation"), 0);
    assert_int_equal(account_tenant_rank("region"), 1);
    assert_int_equal(account_tenant_rank("utility"), 2);
    assert_int_equal(account_tenant_rank("town"), -1);
}

static void delays_double_up_to_an_end(void **state)
{
    (void)state;
    assert_int_equal(lockout_delay_ms(0, 5), 0);
    assert_int_equal(lockout_delay_ms(4, 5), 0);
    assert_int_equal(lockout_delay_ms(5, 5), 1000);
    assert_int_equal(lockout_delay_ms(6, 5), 2000);
    assert_int_equal(lockout_delay_ms(9, 5), 16000);
    assert_int_equal(lockout_delay_ms(15, 5), 15 * 60 * 1000);
    assert_int_equal(lockout_delay_ms(INT64_MAX, 5), 15 * 60 * 1000);
}

static void subjects_are_one_for_upper_and_lower_case(void **state)
{
    char one[LOCKOUT_SUBJECT_SIZE], two[LOCKOUT_SUBJECT_SIZE];
    (void)state;
    lockout_subject_of_account(one, "A@B", 0);
    lockout_subject_of_account(two, "a@b", 0);
    assert_string_equal(one, two);
    lockout_subject_of_account(two, "a@b", 1);
    assert_string_not_equal(one, two);
    lockout_subject_of_address(two, "a@b");
    assert_string_not_equal(one, two);
}

static void keys_follow_each_other(void **state)
{
    enum { HOUR = 3600 * 1000, AHEAD = KEY_PUBLISHED_AHEAD_MS };
    static const struct {
        int64_t active, next;
        enum key_step expect;
    } cases[] = {
        { -1, -1, KEY_STEP_MAKE_ACTIVE },
        { -1, 0, KEY_STEP_PROMOTE },
        { 0, -1, KEY_STEP_NONE },
        { HOUR - AHEAD - 1, -1, KEY_STEP_NONE },
        { HOUR - AHEAD, -1, KEY_STEP_MAKE_NEXT },
        { HOUR, -1, KEY_STEP_MAKE_NEXT },
        { HOUR - 1, AHEAD, KEY_STEP_NONE },
        { HOUR, AHEAD - 1, KEY_STEP_NONE },
        { HOUR, AHEAD, KEY_STEP_PROMOTE },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(key_rotation_step(cases[i].active, cases[i].next, HOUR), cases[i].expect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_told_from_other_texts),
        cmocka_unit_test(codes_of_tenants_are_short_and_plain),
        cmocka_unit_test(roles_of_people_are_built_in_or_have_names_of_their_own),
        cmocka_unit_test(levels_have_ranks),
        cmocka_unit_test(delays_double_up_to_an_end),
        cmocka_unit_test(subjects_are_one_for_upper_and_lower_case),
        cmocka_unit_test(keys_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
