/* Which passwords are tried first, and which are not. */
#include "password_rule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EMAIL "jane.doe@lakeside.example"
#define NAME "Jane Doe"

static void what_is_tried_first_is_refused(void **state)
{
    static const char *const bad[] = { "", "short", "eleven char", "password1234", "Password1234!", "p4ssw0rd1234",
        "qwertyuiop12", "aaaaaaaaaaaa", "abcabcabcabc", "123456789012", "jane.doe@lakeside.example", "janedoe12345",
        NULL };
    (void)state;
    for (size_t i = 0; bad[i]; i++)
        if (!password_rule_fault(bad[i], EMAIL, NAME))
            fail_msg("%s", bad[i]);
    assert_non_null(password_rule_fault(NULL, EMAIL, NAME));
    char endless[400];
    for (size_t i = 0; i + 1 < sizeof endless; i++)
        endless[i] = (char)('a' + i * 7 % 26);
    endless[sizeof endless - 1] = '\0';
    assert_non_null(password_rule_fault(endless, EMAIL, NAME));
}

static void what_nobody_guesses_is_taken(void **state)
{
    static const char *const good[] = { "correct horse battery", "gT7-pool-of-frogs", "first-start-password",
        "0d1c7f6a9b3e4d2f", "\xc3\xa9t\xc3\xa9 \xc3\xa0 la rivi\xc3\xa8re", NULL };
    (void)state;
    for (size_t i = 0; good[i]; i++)
        if (password_rule_fault(good[i], EMAIL, NAME))
            fail_msg("%s: %s", good[i], password_rule_fault(good[i], EMAIL, NAME));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_tried_first_is_refused),
        cmocka_unit_test(what_nobody_guesses_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
