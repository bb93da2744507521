#include "service/precondition.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *if_match;
    bool holds; /* for version 12 */
} cases[] = {
    { "", true },
    { "*", true },
    { "\"12\"", true },
    { "\"12.8f3a\"", true },
    { "\"11.8f3a\", \"12.aa\"", true },
    { "\"11.8f3a\",\"12\"", true },
    { "\"11\"", false },
    { "\"120\"", false },
    { "\"1\"2\"", false },
    { "W/\"12.8f3a\"", false }, /* weak tags never match */
    { "12", false },
    { "\"\"", false },
    { "\"", false },
    { "\".12\"", false },
    { "\"8f3a\"", false },
    { ",,, ", false },
    { "\"99999999999999999999999\"", false },
};

static void only_the_version_named_is_written_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rpc_caller caller = { 0 };
        struct err err = { 0 };
        snprintf(caller.if_match, sizeof caller.if_match, "%s", cases[i].if_match);
        if (precondition_check(&caller, 12, &err) != cases[i].holds)
            fail_msg("%s", cases[i].if_match);
        assert_int_equal(err.kind, cases[i].holds ? ERR_NONE : ERR_PRECONDITION);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_version_named_is_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
