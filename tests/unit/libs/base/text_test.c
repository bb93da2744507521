/* Text from outside: UTF-8, hex, UUIDs, JSON output, errors. */
#include "base/err.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/uuid.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void utf8_is_told_from_what_is_not(void **state)
{
    static const struct {
        const char *text;
        bool is_utf8;
    } cases[] = { { "plain", true }, { "m\xc2\xb3", true }, { "\xe2\x82\xac", true }, { "\xf0\x9f\x92\xa7", true },
        { "\xc0\x80", false }, { "\xed\xa0\x80", false }, { "\xf4\x90\x80\x80", false }, { "\xff", false },
        { "a\xc3", false }, { "\xe2\x82", false } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(text_is_utf8(cases[i].text, strlen(cases[i].text)), cases[i].is_utf8);
}

static void a_copy_that_does_not_fit_is_no_copy(void **state)
{
    char target[4] = "zzz";
    (void)state;
    assert_true(text_copy(target, sizeof target, "abc", 3));
    assert_string_equal(target, "abc");
    assert_false(text_copy(target, sizeof target, "abcd", 4));
    assert_string_equal(target, "");
}

static void hex_goes_both_ways(void **state)
{
    unsigned char bytes[3];
    char text[7];
    (void)state;
    assert_true(text_from_hex(bytes, 3, "00fFa1", 6));
    text_hex(text, bytes, 3);
    assert_string_equal(text, "00ffa1");
    assert_false(text_from_hex(bytes, 3, "00ff", 4));
    assert_false(text_from_hex(bytes, 3, "00ffg1", 6));
}

static void uuids_are_unique_sorted_by_time_and_of_version_7(void **state)
{
    char text[UUID_TEXT_SIZE];
    struct uuid first = uuid_new(), second = uuid_new(), back;
    (void)state;
    uuid_format(text, &first);
    assert_int_equal(text[14], '7');
    assert_true(uuid_parse(text, 36, &back));
    assert_memory_equal(&back, &first, sizeof back);
    assert_true(memcmp(first.bytes, second.bytes, 6) <= 0);
    assert_memory_not_equal(&first, &second, sizeof first);
    assert_false(uuid_parse("not-a-uuid", 10, &back));
    text[8] = '0';
    assert_false(uuid_parse(text, 36, &back));
}

static void json_is_valid_whatever_goes_in(void **state)
{
    AUTO_INPLACE(buffer) out = { 0 };
    struct json_writer writer;
    (void)state;
    json_writer_init(&writer, &out);
    json_begin_object(&writer);
    json_put_text(&writer, "a\"b", "line\nbreak \x01 \xff m\xc2\xb3");
    json_key(&writer, "list");
    json_begin_array(&writer);
    json_double(&writer, 0.1);
    json_double(&writer, NAN);
    json_int(&writer, INT64_MIN);
    json_uint(&writer, UINT64_MAX);
    json_bool(&writer, true);
    json_null(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    assert_true(buffer_ok(&out));
    assert_string_equal(out.data,
        "{\"a\\\"b\":\"line\\nbreak \\u0001 \xef\xbf\xbd m\xc2\xb3\",\"list\":[0.1,null,-9223372036854775808,"
        "18446744073709551615,true,null]}");
}

static void an_error_that_is_too_long_says_so(void **state)
{
    struct err err = { 0 };
    char text[400];
    (void)state;
    memset(text, 'x', sizeof text);
    text[399] = '\0';
    assert_false(err_set(&err, ERR_LIMIT, "%s", text));
    assert_string_equal(err.text + sizeof err.text - 4, "...");
    assert_false(err_set(&err, ERR_INPUT, "inner"));
    assert_false(err_wrap(&err, "batch %d", 7));
    assert_string_equal(err.text, "batch 7: inner");
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err_kind_name(ERR_TRANSIENT), "transient");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_told_from_what_is_not),
        cmocka_unit_test(a_copy_that_does_not_fit_is_no_copy),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(uuids_are_unique_sorted_by_time_and_of_version_7),
        cmocka_unit_test(json_is_valid_whatever_goes_in),
        cmocka_unit_test(an_error_that_is_too_long_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
