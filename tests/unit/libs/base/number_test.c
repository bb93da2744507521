/* Numbers from and to text are exact. */
#include "base/number.h"
#include "base/uuid.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void numbers_are_read_as_strtod_reads_them(void **state)
{
    static const char *const texts[] = { "0", "-0", "1", "3.5", "-12.25", "0.1", "1e3", "1E-7", "123456789012345678",
        "1.7976931348623157e308", "4.9e-324", "0.30000000000000004", "9007199254740993", "100000000000000000000000",
        "1e22", "1e23", "8.38", "2.2250738585072014e-308" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        double value = -1;
        assert_int_equal(number_parse(texts[i], strlen(texts[i]), &value), strlen(texts[i]));
        double expected = strtod(texts[i], NULL);
        assert_memory_equal(&value, &expected, sizeof value);
    }
}

static void what_json_does_not_allow_is_no_number(void **state)
{
    static const char *const texts[] = { "", "-", "+1", "01", ".5", "1.", "1e", "1e+", "NaN", "Infinity", "0x10",
        "1e999", "-1e400", "e5", "--1" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        double value;
        size_t taken = number_parse(texts[i], strlen(texts[i]), &value);
        if (taken != 0 && taken == strlen(texts[i]))
            fail_msg("\"%s\" was taken", texts[i]);
    }
}

static void a_number_longer_than_the_ceiling_is_refused(void **state)
{
    char text[NUMBER_LONGEST_TEXT + 2];
    double value;
    (void)state;
    memset(text, '1', sizeof text);
    assert_int_equal(number_parse(text, NUMBER_LONGEST_TEXT + 1, &value), 0);
    assert_int_equal(number_parse(text, NUMBER_LONGEST_TEXT, &value), NUMBER_LONGEST_TEXT);
}

static void what_is_written_reads_back_as_the_same_double(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        double value, back;
        char text[NUMBER_TEXT_SIZE];
        random_bytes(&value, sizeof value);
        if (i % 2)
            value = (double)(i * 37 % 100000) / 1000.0;
        if (!isfinite(value))
            continue;
        size_t length = number_format(text, value);
        assert_int_equal(length, strlen(text));
        assert_int_equal(number_parse(text, length, &back), length);
        assert_memory_equal(&value, &back, sizeof value);
    }
}

static void the_shortest_text_is_written(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 3.5, "3.5" }, { 0.1, "0.1" }, { 100, "100" }, { -7, "-7" }, { 1e15, "1e+15" },
        { 0.30000000000000004, "0.30000000000000004" }, { NAN, "null" }, { INFINITY, "null" }, { -0.0, "-0" },
        { 1e300, "1e+300" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[NUMBER_TEXT_SIZE];
        number_format(text, cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
}

static void whole_numbers_are_read_to_their_last_and_no_further(void **state)
{
    int64_t value;
    (void)state;
    assert_true(number_parse_int("9223372036854775807", 19, &value) && value == INT64_MAX);
    assert_true(number_parse_int("-9223372036854775808", 20, &value) && value == INT64_MIN);
    assert_false(number_parse_int("9223372036854775808", 19, &value));
    assert_false(number_parse_int("-9223372036854775809", 20, &value));
    assert_false(number_parse_int("", 0, &value));
    assert_false(number_parse_int("-", 1, &value));
    assert_false(number_parse_int("1x", 2, &value));
}

static void whole_numbers_are_written_to_their_last(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = { { 0, "0" }, { 7, "7" }, { -7, "-7" }, { 10, "10" }, { 200, "200" },
        { 1234567890123, "1234567890123" }, { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[NUMBER_TEXT_SIZE];
        assert_int_equal(number_format_int(text, cases[i].value), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_strtod_reads_them),
        cmocka_unit_test(what_json_does_not_allow_is_no_number),
        cmocka_unit_test(a_number_longer_than_the_ceiling_is_refused),
        cmocka_unit_test(what_is_written_reads_back_as_the_same_double),
        cmocka_unit_test(the_shortest_text_is_written),
        cmocka_unit_test(whole_numbers_are_read_to_their_last_and_no_further),
        cmocka_unit_test(whole_numbers_are_written_to_their_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
