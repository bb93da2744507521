/* Bytes read as a profile declares them, and what is no profile. */
#include "ingest/codec.h"
#include "tests/support/test_readings.h"

#define NOW INT64_C(1795507200000000)
static struct arena arena;
static struct payload_profile profile;
static struct raw_readings readings;
static struct err err;

static bool parse(const char *json)
{
    arena_reset(&arena);
    err = (struct err){ 0 };
    return payload_profile_parse(&profile, &arena, json, strlen(json), &err);
}

static bool decode(const char *json, const char *hex)
{
    unsigned char body[256];
    size_t size = bytes_of_hex(body, sizeof body, hex);
    readings = (struct raw_readings){ 0 };
    assert_true(parse(json));
    return codec_binary_decode(&readings, &arena, &profile, "L-7", body, size, NOW, &err);
}

static void whole_numbers_of_both_byte_orders(void **state)
{
    (void)state;
    assert_true(decode("{\"fields\":[{\"sensor\":\"A\",\"at\":0,\"bits\":16},"
                       "{\"sensor\":\"/b\",\"at\":0,\"bits\":16,\"endian\":\"little\",\"unit\":\"mbar\"},"
                       "{\"sensor\":\"C\",\"at\":2,\"bits\":24,\"type\":\"int\",\"scale\":0.5,\"add\":1}]}",
        "0102fffffe"));
    assert_int_equal(readings.count, 3);
    assert_string_equal(readings.codec, "binary");
    assert_reading_is(&readings.items[0], "A", NULL, 258, 0);
    assert_reading_is(&readings.items[1], "L-7/b", "mbar", 513, 0);
    assert_reading_is(&readings.items[2], "C", NULL, 0, 0);
}

static void floats_in_every_order_that_two_of_them_name(void **state)
{
    (void)state;
    assert_true(decode("{\"fields\":[{\"sensor\":\"A\",\"bits\":32,\"type\":\"float\"}]}", "42f6e979"));
    assert_true(readings.items[0].value == (double)123.456f);
    assert_true(
        decode("{\"endian\":\"little\",\"fields\":[{\"sensor\":\"A\",\"bits\":32,\"type\":\"float\"}]}", "79e9f642"));
    assert_true(readings.items[0].value == (double)123.456f);
    assert_true(decode("{\"fields\":[{\"sensor\":\"A\",\"bits\":64,\"type\":\"float\"}]}", "40934a449ba5e354"));
    assert_true(readings.items[0].value == 1234.567);
}

static void bits_are_counted_from_the_end_that_the_byte_order_says(void **state)
{
    (void)state;
    assert_true(
        decode("{\"fields\":[{\"sensor\":\"A\",\"bits\":3},{\"sensor\":\"B\",\"bit\":3,\"bits\":10}]}", "b4c0"));
    assert_reading_is(&readings.items[0], "A", NULL, 5, 0);     /* 101 */
    assert_reading_is(&readings.items[1], "B", NULL, 0x298, 0); /* 1 0100 1100 0 */
    assert_true(decode("{\"endian\":\"little\",\"fields\":[{\"sensor\":\"A\",\"bits\":14,\"count\":2}]}", "01c0ff0f"));
    assert_reading_is(&readings.items[0], "A", NULL, 1, 0);
    assert_reading_is(&readings.items[1], "A", NULL, 0x3fff, 0);
}

static void rows_step_through_time(void **state)
{
    static const char json[] =
        "{\"endian\":\"little\",\"fields\":[{\"is\":\"time\",\"at\":0,\"bits\":32,"
        "\"utc_offset_s\":3600},{\"sensor\":\"F\",\"at\":4,\"bits\":8,\"count\":0,\"step_s\":-900,"
        "\"invalid\":[255]}]}";
    (void)state;
    assert_true(decode(json, "00ff5365"
                             "01ff02"));
    assert_int_equal(readings.count, 2);
    assert_reading_is(&readings.items[0], "F", NULL, 1, 1700000000000000 - 16 * 1000000);
    assert_reading_is(&readings.items[1], "F", NULL, 2, 1700000000000000 - (16 + 1800) * INT64_C(1000000));
    assert_true(decode("{\"fields\":[{\"sensor\":\"F\",\"bits\":8,\"count\":2,\"step_s\":-60}]}", "0102"));
    assert_reading_is(&readings.items[0], "F", NULL, 1, NOW);
    assert_reading_is(&readings.items[1], "F", NULL, 2, NOW - 60000000);
}

static void ages_and_epochs_give_times(void **state)
{
    (void)state;
    assert_true(decode("{\"fields\":[{\"is\":\"age\",\"at\":0,\"bits\":8,\"scale\":60},{\"sensor\":\"A\",\"at\":1,"
                       "\"bits\":8}]}",
        "0207"));
    assert_reading_is(&readings.items[0], "A", NULL, 7, NOW - 120000000);
    assert_true(decode("{\"fields\":[{\"is\":\"time\",\"bits\":32,\"epoch_s\":946684800},{\"sensor\":\"A\",\"at\":4,"
                       "\"bits\":8}]}",
        "0000000a"
        "07"));
    assert_reading_is(&readings.items[0], "A", NULL, 7, INT64_C(946684810000000));
}

static void flags_give_every_value_its_status(void **state)
{
    static const char json[] =
        "{\"fields\":[{\"sensor\":\"A\",\"at\":1,\"bits\":8},{\"is\":\"status\",\"at\":0,\"bits\":8,\"flags\":["
        "{\"mask\":160,\"status\":2156658688},{\"mask\":32,\"status\":1073741824}]}]}";
    (void)state;
    assert_true(decode(json, "a007"));
    assert_int_equal(readings.items[0].status, 2156658688);
    assert_true(decode(json, "2007"));
    assert_int_equal(readings.items[0].status, 1073741824);
    assert_true(decode(json, "8007"));
    assert_int_equal(readings.items[0].status, 0);
}

static void a_payload_that_is_too_short_is_refused(void **state)
{
    (void)state;
    assert_false(decode("{\"fields\":[{\"sensor\":\"A\",\"at\":1,\"bits\":16}]}", "0102"));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(decode("{\"fields\":[{\"is\":\"time\",\"bits\":32},{\"sensor\":\"A\",\"bits\":8}]}", "010203"));
    assert_false(decode("{\"fields\":[{\"sensor\":\"A\",\"bits\":8,\"count\":3}]}", "0102"));
    assert_false(decode("{\"fields\":[{\"sensor\":\"A\",\"at\":65536,\"bits\":64}]}", ""));
}

static void a_profile_may_say_that_it_is_cayenne(void **state)
{
    (void)state;
    assert_true(decode("{\"format\":\"cayenne-lpp\"}", "0367011001740bb8"));
    assert_int_equal(readings.count, 2);
    assert_reading_is(&readings.items[0], "L-7/temperature_3", "Cel", 27.2, 0);
}

static void what_is_no_profile_says_why(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        { "", "" },
        { "[]", "expected an object" },
        { "{}", "binary has fields" },
        { "{\"fields\":[]}", "binary has fields" },
        { "{\"fields\":[{}]}", "bits is from 1" },
        { "{\"fields\":[{\"bits\":8}]}", "names its sensor" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":65}]}", "bits is from 1" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":16,\"type\":\"float\"}]}", "32 or 64" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":8,\"unit\":\"furlong\"}]}", "unit is not known" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":8,\"colour\":1}]}", "not known" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":8,\"bits\":8}]}", "given twice" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":8,\"at\":-1}]}", "whole number" },
        { "{\"fields\":[{\"is\":\"status\",\"bits\":8}]}", "has flags" },
        { "{\"fields\":[{\"is\":\"time\",\"bits\":8,\"unit\":\"s\"}]}", "for values" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":8,\"count\":65536}]}", "10000" },
        { "{\"format\":\"cayenne-lpp\",\"fields\":[{\"sensor\":\"A\",\"bits\":8}]}", "has none" },
        { "{\"fields\":[{\"sensor\":\"A\",\"bits\":8}]} x", "" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_false(parse(cases[i].json));
        assert_int_equal(err.kind, ERR_INPUT);
        assert_non_null(strstr(err.text, cases[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_of_both_byte_orders),
        cmocka_unit_test(floats_in_every_order_that_two_of_them_name),
        cmocka_unit_test(bits_are_counted_from_the_end_that_the_byte_order_says),
        cmocka_unit_test(rows_step_through_time),
        cmocka_unit_test(ages_and_epochs_give_times),
        cmocka_unit_test(flags_give_every_value_its_status),
        cmocka_unit_test(a_payload_that_is_too_short_is_refused),
        cmocka_unit_test(a_profile_may_say_that_it_is_cayenne),
        cmocka_unit_test(what_is_no_profile_says_why),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
