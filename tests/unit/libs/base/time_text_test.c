/* RFC 3339 in and out. */
#include "base/time_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = { { "1970-01-01T00:00:00Z", 0 }, { "2026-11-24T08:00:00.25+01:00", 1795503600250000 },
        { "1969-12-31T23:59:59.999999Z", -1 }, { "2016-02-29T12:00:00z", 1456747200000000 },
        { "2000-01-01 00:00:00-05:30", 946704600000000 }, { "2016-12-31T23:59:60Z", 1483228800000000 },
        { "2020-01-01T00:00:00.1234567Z", 1577836800123456 } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = 1;
        assert_true(time_text_parse(cases[i].text, strlen(cases[i].text), &us));
        assert_int_equal(us, cases[i].us);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = { "", "2026-11-24", "2026-11-24T08:00:00", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00ZZ",
        "20260101T000000Z", "0000-01-01T00:00:00Z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z " };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int64_t us;
        if (time_text_parse(texts[i], strlen(texts[i]), &us))
            fail_msg("\"%s\" was taken", texts[i]);
    }
}

static void what_is_written_reads_back_and_agrees_with_gmtime(void **state)
{
    (void)state;
    for (int64_t us = -30000000000000000; us < 200000000000000000; us += 7777777777777) {
        char text[TIME_TEXT_SIZE], expected[TIME_TEXT_SIZE];
        int64_t back;
        size_t length = time_text_format(text, us);
        assert_true(time_text_parse(text, length, &back));
        assert_int_equal(back, us);
        time_t second = (time_t)(us >= 0 ? us / 1000000 : -((-us + 999999) / 1000000));
        struct tm parts;
        gmtime_r(&second, &parts);
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &parts);
        assert_memory_equal(text, expected, 19);
    }
}

static void no_more_digits_than_needed(void **state)
{
    char text[TIME_TEXT_SIZE];
    (void)state;
    time_text_format(text, 1795503600250000);
    assert_string_equal(text, "2026-11-24T07:00:00.25Z");
    time_text_format(text, 0);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    time_text_format(text, INT64_MAX);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(what_is_written_reads_back_and_agrees_with_gmtime),
        cmocka_unit_test(no_more_digits_than_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
