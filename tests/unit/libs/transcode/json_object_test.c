/* What a device is told may be any object, within its size, and nothing else. */
#include "nwims/v1/registry.pb-c.h"
#include "transcode/json_object.h"
#include "transcode/transcode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void only_an_object_is_an_object(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } cases[] = {
        { "{}", true },
        { "{\"a\":[1,{\"b\":null}]}", true },
        { "[]", false },
        { "\"{}\"", false },
        { "{} {}", false },
        { "{\"a\":}", false },
        { "", false },
        { "null", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = { 0 };
        if (json_object_check(cases[i].text, 100, &err) != cases[i].is_good)
            fail_msg("%s", cases[i].text);
        assert_int_equal(err.kind, cases[i].is_good ? ERR_NONE : ERR_INPUT);
    }
}

static void its_size_has_a_bound(void **state)
{
    struct err err = { 0 };
    (void)state;
    assert_true(json_object_check("{\"a\":1}", 7, &err));
    assert_false(json_object_check("{\"a\":12}", 7, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

static void an_object_is_kept_as_text_and_written_as_it_is(void **state)
{
    Nwims__V1__Command command = NWIMS__V1__COMMAND__INIT;
    AUTO_INPLACE(buffer) json = { 0 };
    struct err err = { 0 };
    (void)state;
    command.payload = (char[]){ "{\"seconds\":60,\"deep\":{\"list\":[1,\"zwei\"]}}" };
    assert_true(transcode_to_json(&json, &command.base, &err));
    buffer_put_char(&json, '\0');
    assert_string_equal(json.data, "{\"payload\":{\"seconds\":60,\"deep\":{\"list\":[1,\"zwei\"]}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_object_is_an_object),
        cmocka_unit_test(its_size_has_a_bound),
        cmocka_unit_test(an_object_is_kept_as_text_and_written_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
