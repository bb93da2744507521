/* What a caller takes and what a body says it is. */
#include "http/http_accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void ranges_admit_what_they_name(void **state)
{
    static const struct {
        const char *accept;
        bool admits;
    } cases[] = {
        { NULL, true },
        { "", true },
        { "*/*", true },
        { "application/json", true },
        { "APPLICATION/JSON", true },
        { "application/*", true },
        { "text/html, application/json;q=0.1", true },
        { "text/html,application/xhtml+xml,*/*;q=0.8", true },
        { "application/json;charset=utf-8", true },
        { "text/html", false },
        { "application/jsonp", false },
        { "application/json;q=0", false },
        { "application/json;q=0.000, */*", false },
        { "application/*;q=0, application/json", true },
        { "*/*;q=0", false },
        { "application/json; q=0.001", true },
        { "json", false },
        { ",,,", false },
        { ";;;", false },
        { "*", false },
        { "application/json ; q=0", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (http_accepts(cases[i].accept, "application/json") != cases[i].admits)
            fail_msg("%s", cases[i].accept);
}

static void only_utf8_bodies_are_ours(void **state)
{
    (void)state;
    assert_true(http_charset_is_utf8(NULL));
    assert_true(http_charset_is_utf8("application/json"));
    assert_true(http_charset_is_utf8("application/json; charset=utf-8"));
    assert_true(http_charset_is_utf8("application/json;charset=\"UTF-8\""));
    assert_true(http_charset_is_utf8("text/csv; charset=us-ascii; header=present"));
    assert_false(http_charset_is_utf8("application/json; charset=iso-8859-1"));
    assert_false(http_charset_is_utf8("application/json; charset=utf-16"));
    assert_false(http_charset_is_utf8("application/json; charset="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_admit_what_they_name),
        cmocka_unit_test(only_utf8_bodies_are_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
