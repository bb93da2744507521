/* SenML JSON (RFC 8428): base members carry forward, small times are from now, what must be understood and is not
 * refuses the pack. */
#include "ingest/codec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1795507200000000)
static struct arena arena;
static struct raw_readings readings;
static struct err err;

static bool decode(const char *body)
{
    arena_reset(&arena);
    err = (struct err){ 0 };
    readings = (struct raw_readings){ 0 };
    return codec_senml_json_decode(&readings, &arena, body, strlen(body), NOW, &err);
}

static void assert_reading(size_t i, const char *sensor, const char *unit, double value, int64_t observed_at)
{
    const struct raw_reading *reading = &readings.items[i];
    assert_null(reading->fault);
    assert_int_equal(reading->sensor_length, strlen(sensor));
    assert_memory_equal(reading->sensor, sensor, reading->sensor_length);
    assert_int_equal(reading->unit_length, unit ? strlen(unit) : 0);
    if (unit)
        assert_memory_equal(reading->unit, unit, reading->unit_length);
    assert_true(reading->value == value);
    assert_int_equal(reading->has_time, observed_at != 0);
    assert_int_equal(reading->observed_at, observed_at);
}

static void the_pack_of_the_rfc_is_resolved(void **state)
{
    static const double currents[] = { 1.2, 1.3, 1.4, 1.5, 1.6, 1.7 };
    (void)state;
    assert_true(decode("[{\"bn\":\"urn:dev:ow:10e2073a0108006:\",\"bt\":1.276020076001e+09,\"bu\":\"A\",\"bver\":5,"
                       "\"n\":\"voltage\",\"u\":\"V\",\"v\":120.1},"
                       "{\"n\":\"current\",\"t\":-5,\"v\":1.2},{\"n\":\"current\",\"t\":-4,\"v\":1.3},{\"n\":"
                       "\"current\",\"t\":-3,\"v\":1.4},"
                       "{\"n\":\"current\",\"t\":-2,\"v\":1.5},{\"n\":\"current\",\"t\":-1,\"v\":1.6},{\"n\":"
                       "\"current\",\"v\":1.7}]"));
    assert_int_equal(readings.count, 7);
    assert_string_equal(readings.codec, "senml-json");
    assert_reading(0, "urn:dev:ow:10e2073a0108006:voltage", "V", 120.1, 1276020076001000);
    for (size_t i = 0; i < 6; i++)
        assert_reading(
            i + 1, "urn:dev:ow:10e2073a0108006:current", "A", currents[i], 1276020071001000 + (int64_t)i * 1000000);
}

static void small_times_are_from_now(void **state)
{
    (void)state;
    assert_true(decode("[{\"bn\":\"A\",\"bt\":-60,\"v\":1},{\"t\":-30,\"v\":2},{\"t\":60,\"v\":3},{\"bt\":1788390574,"
                       "\"t\":-900,\"v\":4},{\"bt\":0,\"v\":5}]"));
    assert_reading(0, "A", NULL, 1, NOW - 60000000);
    assert_reading(1, "A", NULL, 2, NOW - 90000000);
    assert_reading(2, "A", NULL, 3, NOW);
    assert_reading(3, "A", NULL, 4, 1788389674000000);
    assert_reading(4, "A", NULL, 5, NOW);
    assert_true(decode("[{\"n\":\"A\",\"v\":1}]"));
    assert_reading(0, "A", NULL, 1, 0);
    assert_true(decode("[{\"n\":\"A\",\"v\":1,\"t\":268435455},{\"n\":\"A\",\"v\":1,\"t\":268435456}]"));
    assert_reading(0, "A", NULL, 1, NOW + 268435455000000);
    assert_reading(1, "A", NULL, 1, 268435456000000);
}

static void base_values_are_added(void **state)
{
    (void)state;
    assert_true(decode("[{\"bn\":\"A\",\"bv\":1,\"v\":1},{\"v\":2.5},{\"n\":\"b\"},{\"bv\":-1,\"v\":1},{\"vb\":true},{"
                       "\"vb\":false}]"));
    assert_int_equal(readings.count, 6);
    assert_reading(0, "A", NULL, 2, 0);
    assert_reading(1, "A", NULL, 3.5, 0);
    assert_reading(2, "Ab", NULL, 1, 0);
    assert_reading(3, "A", NULL, 0, 0);
    assert_reading(4, "A", NULL, 1, 0);
    assert_reading(5, "A", NULL, 0, 0);
}

static void a_record_of_base_members_only_is_no_reading(void **state)
{
    (void)state;
    assert_true(decode("[{\"bn\":\"A:\",\"bu\":\"bar\",\"bver\":10},{\"n\":\"p\",\"v\":3},{\"bn\":\"B:\"},{\"n\":\"p\","
                       "\"u\":\"kPa\",\"v\":4}]"));
    assert_int_equal(readings.count, 2);
    assert_reading(0, "A:p", "bar", 3, 0);
    assert_reading(1, "B:p", "kPa", 4, 0);
}

static void a_bad_record_is_its_own_fault(void **state)
{
    static const struct {
        const char *record, *field, *fault;
    } cases[] = { { "{\"n\":\"A\",\"vs\":\"on\"}", "vs", "texts are not stored" },
        { "{\"n\":\"A\",\"vd\":\"AQ\"}", "vd", "data is not stored" },
        { "{\"n\":\"A\",\"s\":5}", "v", "sums are not stored" }, { "{\"n\":\"A\"}", "v", "value is missing" },
        { "{\"n\":\"A\",\"v\":1,\"vb\":true}", "v", "a record has one value only" },
        { "{\"n\":\"A\",\"v\":\"1\"}", "v", "value is not a finite number" },
        { "{\"n\":\"A\",\"v\":NaN}", "v", "value is not a finite number" },
        { "{\"n\":\"A\",\"vb\":1}", "vb", "vb is neither" },
        { "{\"n\":\"A\",\"v\":1,\"t\":\"x\"}", "t", "the time is no number" },
        { "{\"n\":\"A\",\"v\":1,\"t\":1e30}", "t", "the time is no number" },
        { "{\"n\":\"A\",\"v\":1,\"u\":1}", "u", "u is not a text" }, { "{\"n\":5,\"v\":1}", "n", "n is not a text" },
        { "{\"n\":\"A B\",\"v\":1}", "n", "bn and n together" }, { "{\"n\":\"-A\",\"v\":1}", "n", "bn and n together" },
        { "{\"v\":1}", "n", "bn and n together" }, { "{\"n\":\"A\\u0000\",\"v\":1}", "n", "bn and n together" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char body[200];
        snprintf(body, sizeof body, "[%s,{\"n\":\"GOOD\",\"v\":2}]", cases[i].record);
        if (!decode(body))
            fail_msg("%s: %s", body, err.text);
        assert_int_equal(readings.count, 2);
        if (!readings.items[0].fault || strncmp(readings.items[0].fault, cases[i].fault, strlen(cases[i].fault)) != 0)
            fail_msg("%s: fault is %s", body, readings.items[0].fault ? readings.items[0].fault : "none");
        assert_string_equal(readings.items[0].fault_field, cases[i].field);
        assert_reading(1, "GOOD", NULL, 2, 0);
    }
}

static void a_sum_that_overflows_is_no_value(void **state)
{
    (void)state;
    assert_true(decode("[{\"n\":\"A\",\"bv\":1.7e308,\"v\":1.7e308}]"));
    assert_string_equal(readings.items[0].fault, "value is not a finite number");
}

static void what_makes_the_pack_wrong_refuses_it(void **state)
{
    static const char *const bodies[] = { "", "{\"n\":\"A\",\"v\":1}", "[{\"bver\":11,\"n\":\"A\",\"v\":1}]",
        "[{\"bver\":0,\"n\":\"A\",\"v\":1}]", "[{\"bver\":5.5,\"n\":\"A\",\"v\":1}]",
        "[{\"n\":\"A\",\"v\":1,\"must_\":1}]", "[{\"n\":\"A\",\"v\":1,\"v\":2}]", "[{\"bn\":5}]", "[{\"bt\":\"x\"}]",
        "[{\"bv\":NaN}]", "[1]", "[{\"n\":\"A\",\"v\":1}", "[{\"n\":\"A\",\"v\":1}]]", "[{\"n\":\"A\" \"v\":1}]" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        if (decode(bodies[i]))
            fail_msg("%s was read", bodies[i]);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_memory_equal(err.text, "malformed JSON at byte ", 23);
    }
}

static void what_need_not_be_understood_is_passed_over(void **state)
{
    (void)state;
    assert_true(decode("[{\"bver\":10,\"n\":\"A\",\"v\":1,\"must\":{\"a\":[1]},\"ut\":60,\"s\":9,\"bs\":1}]"));
    assert_reading(0, "A", NULL, 1, 0);
    assert_true(decode("[]"));
    assert_int_equal(readings.count, 0);
}

/* Each record would look at all of it again. */
static void a_giant_name_costs_nothing(void **state)
{
    enum { NAME = 1000000, RECORDS = 50000 };
    char *body = malloc(NAME + RECORDS * 8 + 100);
    (void)state;
    memcpy(body, "[{\"bn\":\"", 8);
    memset(body + 8, 'a', NAME);
    size_t size = 8 + NAME;
    size += (size_t)sprintf(body + size, "\",\"v\":1}");
    for (int i = 0; i < RECORDS; i++)
        size += (size_t)sprintf(body + size, ",{\"v\":1}");
    size += (size_t)sprintf(body + size, "]");
    assert_true(decode(body));
    assert_string_equal(readings.items[RECORDS].fault, "the name is longer than 256 bytes");
    free(body);
}

static void names_that_fill_the_arena_are_a_limit(void **state)
{
    struct arena small;
    static const char body[] = "[{\"bn\":\"A\",\"n\":\"B\",\"v\":1}]";
    (void)state;
    arena_init(&small, 1152); /* sixteen readings and nothing more */
    assert_false(codec_senml_json_decode(&readings, &small, body, sizeof body - 1, NOW, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pack_of_the_rfc_is_resolved),
        cmocka_unit_test(small_times_are_from_now),
        cmocka_unit_test(base_values_are_added),
        cmocka_unit_test(a_record_of_base_members_only_is_no_reading),
        cmocka_unit_test(a_bad_record_is_its_own_fault),
        cmocka_unit_test(a_sum_that_overflows_is_no_value),
        cmocka_unit_test(what_makes_the_pack_wrong_refuses_it),
        cmocka_unit_test(what_need_not_be_understood_is_passed_over),
        cmocka_unit_test(a_giant_name_costs_nothing),
        cmocka_unit_test(names_that_fill_the_arena_are_a_limit),
    };
    arena_init(&arena, 64 * 1024 * 1024);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
