/* Lines of processes as people read them, and as files keep them. */
#include "scripts/runner/log_view.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "{\"ts\":\"2026-11-24T08:00:00.25Z\",\"level\":\"info\",\"msg\":\"batch.stored\""

static const struct {
    const char *line, *shown, *level;
    bool is_json;
} cases[] = {
    { HEAD "}", "batch.stored", "info", true },
    { HEAD ",\"service\":\"x\",\"version\":\"1\",\"instance\":\"h:1\",\"rows\":5}", "batch.stored rows=5", "info",
        true },
    { HEAD ", \"err\" : \"not there\", \"ok\":true,\"none\":null,\"f\":-1.5e3}",
        "batch.stored err=\"not there\" ok=true none=null f=-1.5e3", "info", true },
    { HEAD ",\"q\":\"a\\\"b\",\"e\":\"\"}", "batch.stored q=a\\\"b e=\"\"", "info", true },
    { "{\"msg\":\"no time\"}", "{\"msg\":\"no time\"}", "info", false },
    { HEAD, HEAD, "info", false },
    { HEAD ",}", HEAD ",}", "info", false },
    { HEAD "} more", HEAD "} more", "info", false },
    { HEAD ",\"list\":[1]}", HEAD ",\"list\":[1]}", "info", false },
    { "plain words", "plain words", "info", false },
    { "FATAL:  no disk", "FATAL:  no disk", "error", false },
    { "[7] [WRN] slow", "[7] [WRN] slow", "warn", false },
    { "", "", "info", false },
    { "{", "{", "info", false },
    { "{\"a\\", "{\"a\\", "info", false },
};

static void json_of_our_services_becomes_words_and_the_rest_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct log_line line;
        AUTO_INPLACE(buffer) out = { 0 };
        /* A copy without a NUL behind it, for the address sanitizer to watch. */
        size_t length = strlen(cases[i].line);
        char *copy = length ? memcpy(test_malloc(length), cases[i].line, length) : NULL;
        log_view_put(&out, copy ? copy : "", length, &line);
        test_free(copy);
        buffer_put_char(&out, '\0');
        assert_string_equal(out.data, cases[i].shown);
        assert_string_equal(line.level, cases[i].level);
        assert_int_equal(line.is_json, cases[i].is_json);
        if (cases[i].is_json)
            assert_string_equal(line.time, "2026-11-24T08:00:00.25Z");
    }
}

static void what_is_no_json_is_kept_as_json(void **state)
{
    (void)state;
    struct log_line line = { .time = "2026-11-24T08:00:00Z", .level = "warn" };
    AUTO_INPLACE(buffer) out = { 0 };
    log_view_put_json(&out, "redis", "say \"x\"\t\xff", 9, &line);
    assert_string_equal(out.data,
        "{\"ts\":\"2026-11-24T08:00:00Z\",\"level\":\"warn\",\"msg\":\"output\",\"service\":\"redis\","
        "\"text\":\"say \\\"x\\\"\\t\xef\xbf\xbd\"}\n");
    line.is_json = true;
    buffer_reset(&out);
    log_view_put_json(&out, "x", "{}", 2, &line);
    assert_string_equal(out.data, "{}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_of_our_services_becomes_words_and_the_rest_stays),
        cmocka_unit_test(what_is_no_json_is_kept_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
