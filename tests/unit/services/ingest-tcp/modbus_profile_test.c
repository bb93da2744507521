/* What a configuration says is to be read, in which requests, and what registers mean. */
#include "modbus_profile.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

static struct modbus_profile *parse(const char *json)
{
    struct err err = { 0 };
    struct modbus_profile *profile = NULL;
    if (!modbus_profile_parse(&profile, json, strlen(json), &err))
        fail_msg("%s", err.text);
    return profile;
}

static void a_profile_says_what_is_read_and_how(void **state)
{
    struct modbus_profile *profile = parse("{\"else\":[1],\"modbus\":{\"host\":\"10.1.2.3\",\"port\":1502,\"unit_id\":"
                                           "17,\"period_s\":10,\"timeout_ms\":200,"
                                           "\"quality\":{\"table\":\"input\",\"address\":9,\"bad\":1,\"uncertain\":6},"
                                           "\"registers\":[{\"sensor\":\"P1\",\"address\":"
                                           "107,\"type\":\"float32\",\"order\":\"cdab\",\"scale\":0.5,\"offset\":-1,"
                                           "\"unit\":\"bar\",\"invalid\":[1,2]}]}}");
    (void)state;
    assert_string_equal(profile->host, "10.1.2.3");
    assert_int_equal(profile->port, 1502);
    assert_int_equal(profile->unit, 17);
    assert_int_equal(profile->period_ms, 10000);
    assert_int_equal(profile->timeout_ms, 200);
    assert_true(profile->has_quality);
    assert_int_equal(profile->bad_bits, 1);
    assert_int_equal(profile->uncertain_bits, 6);
    assert_int_equal(profile->point_count, 1);
    const struct modbus_point *point = &profile->points[0];
    assert_string_equal(point->sensor, "P1");
    assert_string_equal(point->unit, "bar");
    assert_int_equal(point->table, MODBUS_HOLDING);
    assert_true(point->swaps_words && !point->swaps_bytes);
    assert_true(point->scale == 0.5 && point->offset == -1 && point->invalid_count == 2);
    assert_int_equal(profile->block_count, 2);
    free(profile);
    assert_null(parse("{\"other\":{}}")); /* nothing of Modbus */
}

static void neighbours_are_read_in_one_request(void **state)
{
    char json[16384];
    int length = snprintf(json, sizeof json, "{\"modbus\":{\"host\":\"10.0.0.1\",\"registers\":[");
    (void)state;
    for (int i = 0; i < 130; i++)
        length += snprintf(json + length, sizeof json - (size_t)length, "%s{\"sensor\":\"S%d\",\"address\":%d}",
            i ? "," : "", i, 129 - i);
    snprintf(json + length, sizeof json - (size_t)length, "]}}");
    struct modbus_profile *profile = parse(json);
    assert_int_equal(profile->block_count, 2); /* 125 is the most of one */
    assert_int_equal(profile->blocks[0].first, 0);
    assert_int_equal(profile->blocks[0].count, 125);
    assert_int_equal(profile->blocks[1].count, 5);
    assert_int_equal(profile->points[0].block, 1);
    assert_int_equal(profile->points[0].place, 4);
    free(profile);
    static const char spread[] =
        "{\"modbus\":{\"host\":\"10.0.0.1\",\"largest_gap\":%d,\"registers\":[{\"sensor\":\"A\",\"address\":1,"
        "\"type\":\"int32\"},{\"sensor\":\"B\",\"address\":7},{\"sensor\":\"C\",\"address\":8,\"table\":\"input\"}]}}";
    for (int gap = 3; gap <= 4; gap++) {
        snprintf(json, sizeof json, spread, gap);
        profile = parse(json);
        assert_int_equal(profile->block_count, gap == 3 ? 3 : 2);
        free(profile);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const bad[] = { "", "[]", "{\"modbus\":{}}", "{\"modbus\":{\"host\":\"h\",\"registers\":[]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\"}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"address\":1}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":65536}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":65535,\"type\":\"int32\"}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":1.5}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":1,\"type\":\"float\"}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":1,\"order\":\"acbd\"}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":1,\"table\":\"coil\"}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":1,\"invalid\":[1,2,3,4,5]}]}}",
        "{\"modbus\":{\"host\":\"h\",\"port\":5e38,\"registers\":[{\"sensor\":\"A\",\"address\":1}]}}",
        "{\"modbus\":{\"host\":\"h\",\"port\":0,\"registers\":[{\"sensor\":\"A\",\"address\":1}]}}",
        "{\"modbus\":{\"host\":\"h\",\"period_s\":0,\"registers\":[{\"sensor\":\"A\",\"address\":1}]}}",
        "{\"modbus\":{\"host\":\"h\",\"write\":1,\"registers\":[{\"sensor\":\"A\",\"address\":1}]}}",
        "{\"modbus\":{\"host\":\"h\",\"registers\":[{\"sensor\":\"A\",\"address\":1}]}} x" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = { 0 };
        struct modbus_profile *profile = NULL;
        if (modbus_profile_parse(&profile, bad[i], strlen(bad[i]), &err))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.kind, ERR_INPUT);
    }
}

/* float32 123.456 in the four orders, from the vectors. */
static void every_order_of_bytes_is_understood(void **state)
{
    static const struct {
        bool swaps_words, swaps_bytes;
        uint16_t registers[2];
    } cases[] = {
        { false, false, { 0x42f6, 0xe979 } },
        { true, false, { 0xe979, 0x42f6 } },
        { false, true, { 0xf642, 0x79e9 } },
        { true, true, { 0x79e9, 0xf642 } },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct modbus_point point = {
            .type = MODBUS_FLOAT32, .swaps_words = cases[i].swaps_words, .swaps_bytes = cases[i].swaps_bytes
        };
        assert_true(fabs(modbus_raw_value(&point, cases[i].registers) - 123.456) < 1e-4);
    }
}

static void every_type_has_its_range(void **state)
{
    static const struct {
        enum modbus_type type;
        uint16_t registers[4];
        double value;
    } cases[] = {
        { MODBUS_BOOL, { 1 }, 1 },
        { MODBUS_UINT16, { 0xffff }, 65535 },
        { MODBUS_INT16, { 0xffff }, -1 },
        { MODBUS_UINT32, { 0x8000, 0 }, 2147483648.0 },
        { MODBUS_INT32, { 0x8000, 0 }, -2147483648.0 },
        { MODBUS_UINT64, { 0, 1, 0, 0 }, 4294967296.0 },
        { MODBUS_INT64, { 0xffff, 0xffff, 0xffff, 0xfffe }, -2 },
        { MODBUS_FLOAT64, { 0x3ff8, 0, 0, 0 }, 1.5 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(
            modbus_raw_value(&(struct modbus_point){ .type = cases[i].type }, cases[i].registers) == cases[i].value);
    const struct modbus_point point = { .type = MODBUS_FLOAT32, .invalid = { 65535 }, .invalid_count = 1 };
    assert_true(modbus_is_invalid(&point, modbus_raw_value(&point, (const uint16_t[]){ 0x7fc0, 0 }))); /* NaN */
    assert_true(modbus_is_invalid(&point, 65535));
    assert_false(modbus_is_invalid(&point, 65534));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_says_what_is_read_and_how),
        cmocka_unit_test(neighbours_are_read_in_one_request),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(every_order_of_bytes_is_understood),
        cmocka_unit_test(every_type_has_its_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
