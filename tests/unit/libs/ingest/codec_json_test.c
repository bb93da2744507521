/* Readings as JSON: every form is read, one bad reading is that reading's fault, a broken body says where it broke. */
#include "ingest/codec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct raw_readings readings;
static struct err err;

static bool decode_n(const char *body, size_t size)
{
    /* In memory of exactly its size, so that a byte too many is seen. */
    char *copy = malloc(size + 1);
    arena_reset(&arena);
    char *kept = arena_text_n(&arena, body, size);
    assert_non_null(kept);
    err = (struct err){ 0 };
    readings = (struct raw_readings){ 0 };
    memcpy(copy, body, size);
    struct raw_readings ignored;
    struct err first = { 0 };
    char *exact = size > 0 ? realloc(copy, size) : copy;
    bool is_read = codec_json_decode(&ignored, &arena, exact, size, &first);
    free(exact);
    assert_int_equal(codec_json_decode(&readings, &arena, kept, size, &err), is_read);
    return is_read;
}

static bool decode(const char *body)
{
    return decode_n(body, strlen(body));
}

static void assert_text(const char *text, size_t length, const char *expected)
{
    assert_non_null(text);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
}

static void the_seed_form_is_read(void **state)
{
    (void)state;
    assert_true(decode(
        "[{\"sensor_id\": \"SENSOR_001\", \"value\": 3.5, \"unit\": \"bar\"}, {\"sensor_id\":\"B\",\"value\":-1e-3}]"));
    assert_int_equal(readings.count, 2);
    assert_string_equal(readings.codec, "json");
    assert_text(readings.items[0].sensor, readings.items[0].sensor_length, "SENSOR_001");
    assert_text(readings.items[0].unit, readings.items[0].unit_length, "bar");
    assert_true(readings.items[0].value == 3.5);
    assert_false(readings.items[0].has_time);
    assert_null(readings.items[0].fault);
    assert_null(readings.items[1].unit);
    assert_true(readings.items[1].value == -1e-3);
}

static void one_object_and_a_wrapper_are_read(void **state)
{
    static const struct {
        const char *body;
        size_t count;
    } cases[] = { { "{\"sensor_id\":\"A\",\"value\":1}", 1 }, { " \t\r\n{\"value\":1,\"sensor\":\"A\"} \n", 1 },
        { "{\"readings\":[{\"sensor_id\":\"A\",\"value\":1},{\"sensor_id\":\"A\",\"value\":1}]}", 2 },
        { "{\"source\":{\"x\":[1,{}]},\"readings\":[{\"sensor_id\":\"A\",\"value\":1}],\"n\":1}", 1 },
        { "\xef\xbb\xbf[{\"sensor_id\":\"A\",\"value\":1}]", 1 }, { "[]", 0 }, { "{\"readings\":[]}", 0 } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (!decode(cases[i].body))
            fail_msg("%s: %s", cases[i].body, err.text);
        assert_int_equal(readings.count, cases[i].count);
        for (size_t k = 0; k < readings.count; k++)
            assert_null(readings.items[k].fault);
    }
}

static void times_are_read_in_every_form(void **state)
{
    static const struct {
        const char *member;
        int64_t us;
    } cases[] = { { "\"timestamp\":\"2026-11-24T08:00:00Z\"", 1795507200000000 },
        { "\"time\":\"2026-11-24T09:00:00.25+01:00\"", 1795507200250000 },
        { "\"observed_at\":1795507200123", 1795507200123000 }, { "\"time\":1795507200", 1795507200000000 },
        { "\"time\":1795507200.5", 1795507200500000 }, { "\"time\":99999999999", 99999999999000000 },
        { "\"time\":100000000000", 100000000000000 }, { "\"time\":0", 0 }, { "\"time\":-1", -1000000 } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"sensor_id\":\"A\",\"value\":1,%s}", cases[i].member);
        assert_true(decode(body));
        assert_null(readings.items[0].fault);
        assert_true(readings.items[0].has_time);
        assert_int_equal(readings.items[0].observed_at, cases[i].us);
    }
}

static void null_is_absent(void **state)
{
    (void)state;
    assert_true(decode("{\"sensor_id\":\"A\",\"value\":1,\"unit\":null,\"time\":null,\"status\":null}"));
    assert_null(readings.items[0].fault);
    assert_null(readings.items[0].unit);
    assert_false(readings.items[0].has_time);
    assert_true(decode("{\"sensor_id\":\"A\",\"value\":1,\"unit\":\"\"}"));
    assert_null(readings.items[0].unit);
}

static void a_bad_reading_is_its_own_fault(void **state)
{
    static const struct {
        const char *item, *field, *fault;
    } cases[] = { { "{\"sensor_id\":\"A\",\"value\":\"3.5\"}", "value", "value is a text" },
        { "{\"sensor_id\":\"A\",\"value\":NaN}", "value", "value is not a finite number" },
        { "{\"sensor_id\":\"A\",\"value\":-Infinity}", "value", "value is not a finite number" },
        { "{\"sensor_id\":\"A\",\"value\":1e999}", "value", "value is not a finite number" },
        { "{\"sensor_id\":\"A\",\"value\":null}", "value", "value is not a number" },
        { "{\"sensor_id\":\"A\",\"value\":true}", "value", "value is not a number" },
        { "{\"sensor_id\":\"A\",\"value\":[1]}", "value", "value is not a number" },
        { "{\"sensor_id\":\"A\",\"value\":{\"a\":1}}", "value", "value is not a number" },
        { "{\"sensor_id\":\"A\"}", "value", "value is missing" },
        { "{\"value\":1}", "sensor_id", "sensor_id is missing" }, { "{}", "sensor_id", "sensor_id is missing" },
        { "{\"sensor_id\":\"\",\"value\":1}", "sensor_id", "sensor_id is missing" },
        { "{\"sensor_id\":7,\"value\":1}", "sensor_id", "sensor_id is not a text" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"unit\":5}", "unit", "unit is not a text" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"time\":\"yesterday\"}", "timestamp", "the time is neither" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"time\":1e300}", "timestamp", "the time is neither" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"time\":NaN}", "timestamp", "the time is neither" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"time\":[]}", "timestamp", "the time is neither" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"status\":-1}", "status", "status is not" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"status\":4294967296}", "status", "status is not" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"quality\":1.5}", "status", "status is not" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"quality\":\"good\"}", "status", "status is not" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"value\":2}", "value", "value is given twice" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"sensor\":\"B\"}", "sensor_id", "sensor_id is given twice" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"time\":1,\"timestamp\":1}", "timestamp", "the time is given twice" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"\\u0076alue\":2}", "value", "value is given twice" },
        { "5", NULL, "a reading is an object" }, { "[1]", NULL, "a reading is an object" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char body[300];
        snprintf(body, sizeof body, "[%s,{\"sensor_id\":\"GOOD\",\"value\":2}]", cases[i].item);
        if (!decode(body))
            fail_msg("%s: %s", body, err.text);
        assert_int_equal(readings.count, 2);
        if (!readings.items[0].fault || strncmp(readings.items[0].fault, cases[i].fault, strlen(cases[i].fault)) != 0)
            fail_msg("%s: fault is %s", body, readings.items[0].fault ? readings.items[0].fault : "none");
        if (cases[i].field)
            assert_string_equal(readings.items[0].fault_field, cases[i].field);
        assert_null(readings.items[1].fault);
    }
}

static void a_broken_body_says_where(void **state)
{
    static const struct {
        const char *body, *text;
    } cases[] = { { "", "malformed JSON at byte 0: the body is empty" },
        { "  ", "malformed JSON at byte 2: the body is empty" },
        { "3", "malformed JSON at byte 0: expected a list of readings, or one reading" },
        { "[{\"sensor_id\":\"A\",\"value\":1}", "malformed JSON at byte 28: expected , or ]" },
        { "[{\"sensor_id\":\"A\" \"value\":1}]", "malformed JSON at byte 18: expected , or }" },
        { "[{\"sensor_id\":\"A\",\"value\":01}]", "malformed JSON at byte 26: expected a value" },
        { "[{\"sensor_id\":\"A\",\"value\":+1}]", "malformed JSON at byte 26: expected a value" },
        { "[{\"sensor_id\":\"A\",\"value\":}]", "malformed JSON at byte 26: expected a value" },
        { "[{\"sensor_id\":\"A\",}]", "malformed JSON at byte 18: expected the name of a member" },
        { "[{\"sensor_id\" \"A\"}]", "malformed JSON at byte 14: expected :" },
        { "[] []", "malformed JSON at byte 3: something follows the end" },
        { "[{\"sensor_id\":\"A\nB\",\"value\":1}]", "malformed JSON at byte 16: a control character in a text" },
        { "[{\"sensor_id\":\"A\xff\",\"value\":1}]", "malformed JSON at byte 16: a text is not UTF-8" },
        { "[{\"sensor_id\":\"A\xed\xa0\x80\",\"value\":1}]", "malformed JSON at byte 16: a text is not UTF-8" },
        { "[{\"sensor_id\":\"A", "malformed JSON at byte 16: the text does not end" },
        { "[{\"sensor_id\":\"\\ud800\"}]", "malformed JSON at byte 21: half a surrogate pair" },
        { "[{\"sensor_id\":\"\\udc00\"}]", "malformed JSON at byte 21: half a surrogate pair" },
        { "[{\"sensor_id\":\"\\ud800\\u0041\"}]", "malformed JSON at byte 27: half a surrogate pair" },
        { "[{\"sensor_id\":\"\\u00g0\"}]", "malformed JSON at byte 17: \\u needs four hex digits" },
        { "[{\"sensor_id\":\"\\x\"}]", "malformed JSON at byte 16: unknown escape" },
        { "[{\"sensor_id\":\"\\", "malformed JSON at byte 15: the text does not end" },
        { "{\"readings\":5}", "malformed JSON at byte 12: readings is not a list" },
        { "{\"readings\":[],\"readings\":[]}", "malformed JSON at byte 26: readings is given twice" },
        { "{\"sensor_id\":\"A\",\"value\":1,\"readings\":[]}",
            "malformed JSON at byte 13: either one reading or a list of readings, not both" },
        { "[{\"x\":[[[[[[[[[1]]]]]]]]]}]", "malformed JSON at byte 14: nested too deeply" },
        { "[,]", "malformed JSON at byte 1: expected a value" },
        { "[{\"a\":tru}]", "malformed JSON at byte 6: expected a value" },
        { "{\"x\":[1,2}", "malformed JSON at byte 9: expected , or ]" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (decode(cases[i].body))
            fail_msg("%s was read", cases[i].body);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void escapes_are_decoded(void **state)
{
    (void)state;
    assert_true(decode("{\"sensor\\u005fid\":\"\\u0041\\\"\\\\\\/"
                       "\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\udeb0z\",\"value\":1,\"unit\":\"m\\u00b3/h\"}"));
    assert_text(readings.items[0].sensor, readings.items[0].sensor_length,
        "A\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xb0z");
    assert_text(readings.items[0].unit, readings.items[0].unit_length, "m\xc2\xb3/h");
    assert_true(decode("{\"sensor_id\":\"A\\u0000B\",\"value\":1}"));
    assert_int_equal(readings.items[0].sensor_length, 3);
}

static void unknown_members_are_passed_over(void **state)
{
    (void)state;
    assert_true(decode("[{\"sensor_id\":\"A\",\"x\":{\"a\":[1,2,{\"b\":[]}],\"c\":{}},\"y\":[true,false,null,"
                       "\"\\u0041\",-1.5e3],\"value\":4}]"));
    assert_null(readings.items[0].fault);
    assert_true(readings.items[0].value == 4);
    assert_true(decode("[{\"x\":[[[[[[[[1]]]]]]]],\"sensor_id\":\"A\",\"value\":4}]"));
}

static void texts_of_every_length_are_read(void **state)
{
    (void)state;
    for (int length = 1; length < 40; length++)
        for (int special = 0; special < length; special++) {
            char name[64], body[128];
            memset(name, 'x', (size_t)length);
            name[length] = '\0';
            memcpy(name + special, "\xc3\xa9", 2);
            name[special + 2 > length ? special + 2 : length] = '\0';
            snprintf(body, sizeof body, "{\"sensor_id\":\"%s\",\"value\":1}", name);
            assert_true(decode(body));
            assert_text(readings.items[0].sensor, readings.items[0].sensor_length, name);
        }
}

static void every_beginning_of_a_body_is_refused(void **state)
{
    static const char body[] = "[{\"sensor_id\":\"S\\u0041\xc3\xa9\",\"value\":-3.5e1,\"unit\":\"bar\",\"time\":\"2026-"
                               "11-24T08:00:00Z\",\"x\":{\"y\":[1,\"z\"]}}]";
    (void)state;
    for (size_t size = 0; size < sizeof body - 1; size++)
        assert_false(decode_n(body, size));
    assert_true(decode(body));
}

static void too_many_readings_are_refused(void **state)
{
    static const char item[] = "{\"sensor\":\"A\",\"value\":1},";
    size_t size = (sizeof item - 1) * (INTAKE_MOST_READINGS + 1) + 1;
    char *body = malloc(size + 1);
    (void)state;
    body[0] = '[';
    for (size_t i = 0; i <= INTAKE_MOST_READINGS; i++)
        memcpy(body + 1 + i * (sizeof item - 1), item, sizeof item - 1);
    body[size - 1] = ']';
    assert_false(decode_n(body, size));
    assert_int_equal(err.kind, ERR_LIMIT);
    body[size - (sizeof item - 1) - 1] = ']';
    assert_true(decode_n(body, size - (sizeof item - 1)));
    assert_int_equal(readings.count, INTAKE_MOST_READINGS);
    free(body);
}

static void a_full_arena_is_a_limit(void **state)
{
    static const char body[] = "[{\"sensor_id\":\"\\u0041\",\"value\":1}]";
    struct raw_readings out;
    (void)state;
    for (size_t ceiling = 0; ceiling < 1200; ceiling += 16) {
        struct arena small;
        struct err failure = { 0 };
        arena_init(&small, ceiling);
        if (!codec_json_decode(&out, &small, body, sizeof body - 1, &failure))
            assert_int_equal(failure.kind, ERR_LIMIT);
        arena_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seed_form_is_read),
        cmocka_unit_test(one_object_and_a_wrapper_are_read),
        cmocka_unit_test(times_are_read_in_every_form),
        cmocka_unit_test(null_is_absent),
        cmocka_unit_test(a_bad_reading_is_its_own_fault),
        cmocka_unit_test(a_broken_body_says_where),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(unknown_members_are_passed_over),
        cmocka_unit_test(texts_of_every_length_are_read),
        cmocka_unit_test(every_beginning_of_a_body_is_refused),
        cmocka_unit_test(too_many_readings_are_refused),
        cmocka_unit_test(a_full_arena_is_a_limit),
    };
    arena_init(&arena, 128 * 1024 * 1024);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
