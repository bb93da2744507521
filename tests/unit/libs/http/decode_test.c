#include "http/http_internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void paths_are_decoded_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *decoded;
    } cases[] = {
        { "/", "/" },
        { "/a/b", "/a/b" },
        { "/a%20b", "/a b" },
        { "/a+b", "/a+b" },
        { "/%C3%a4", "/\xc3\xa4" },
        { "/..a/b..", "/..a/b.." },
        { "/a/...", "/a/..." },
        { "/%", NULL },
        { "/%4", NULL },
        { "/%zz", NULL },
        { "/%4g", NULL },
        { "/%00", NULL },
        { "/a%00b", NULL },
        { "/%0a", NULL },
        { "/%7f", NULL },
        { "/%ff", NULL },          /* not UTF-8 */
        { "/%c0%ae%c0%ae", NULL }, /* ".." in overlong UTF-8 */
        { "/..", NULL },
        { "/../etc", NULL },
        { "/a/../b", NULL },
        { "/a/%2e%2E/b", NULL },
        { "/a%2f..%2fb", NULL },
        { "/a#b", NULL },
        { "a", NULL },
        { "", NULL },
        { "*", NULL },
        { "http://host/", NULL },
    };
    AUTO_INPLACE(buffer) path = { 0 };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool ok = http_decode_path(&path, cases[i].raw);
        if (ok != (cases[i].decoded != NULL))
            fail_msg("\"%s\" was %s", cases[i].raw, ok ? "taken" : "refused");
        if (ok)
            assert_string_equal(path.data, cases[i].decoded);
    }
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct buffer path = { .ceiling_bytes = 8 };
    assert_true(http_decode_path(&path, "/12345"));
    assert_false(http_decode_path(&path, "/1234567"));
    buffer_done(&path);
}

static void a_plus_is_a_space_only_in_queries(void **state)
{
    (void)state;
    char text[8];
    assert_true(http_decode("a+b", 3, true, text));
    assert_string_equal(text, "a b");
    assert_true(http_decode("a+b", 3, false, text));
    assert_string_equal(text, "a+b");
    assert_true(http_decode("%41%42", 6, true, text));
    assert_string_equal(text, "AB");
    assert_true(http_decode("", 0, true, text));
    assert_string_equal(text, "");
    assert_false(http_decode("%41", 2, true, text)); /* never looks behind the length */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_decoded_or_refused),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
        cmocka_unit_test(a_plus_is_a_space_only_in_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
