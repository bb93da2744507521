/* SenML CBOR (RFC 8428, section 6) says the same as SenML JSON; what is cut off or made up is refused. */
#include "ingest/codec.h"
#include "tests/support/test_readings.h"

#define NOW INT64_C(1795507200000000)
static struct arena arena;
static struct raw_readings readings;
static struct err err;
static unsigned char body[1024];

static bool decode_bytes(size_t size)
{
    arena_reset(&arena);
    err = (struct err){ 0 };
    readings = (struct raw_readings){ 0 };
    return codec_senml_cbor_decode(&readings, &arena, (const char *)body, size, NOW, &err);
}

static bool decode(const char *hex)
{
    return decode_bytes(bytes_of_hex(body, sizeof body, hex));
}

/* The pack of RFC 8428, section 5.1.2, with floats of 64 bits. */
static const char pack_of_the_rfc[] =
    "87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c7461676501"
    "615602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccda3"
    "006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102fb3ff8000000000000a3006763757272656e74062002fb"
    "3ff999999999999aa2006763757272656e7402fb3ffb333333333333";
static const char water_pack[] =
    "82a521781d75726e3a6465763a6d61633a303030346133306230303163303533303a221a6a98acae0064666c6f7701646d332f7302fb3f8999"
    "999999999aa4006870726573737572650162506106390383021a00064960";

static void the_pack_of_the_rfc_is_resolved(void **state)
{
    static const double currents[] = { 1.2, 1.3, 1.4, 1.5, 1.6, 1.7 };
    (void)state;
    assert_true(decode(pack_of_the_rfc));
    assert_int_equal(readings.count, 7);
    assert_string_equal(readings.codec, "senml-cbor");
    assert_reading_is(&readings.items[0], "urn:dev:ow:10e2073a0108006:voltage", "V", 120.1, 1276020076001000);
    for (size_t i = 0; i < 6; i++)
        assert_reading_is(&readings.items[i + 1], "urn:dev:ow:10e2073a0108006:current", "A", currents[i],
            1276020071001000 + (int64_t)i * 1000000);
}

static void water_comes_with_its_units_and_times(void **state)
{
    (void)state;
    assert_true(decode(water_pack));
    assert_int_equal(readings.count, 2);
    assert_reading_is(&readings.items[0], "urn:dev:mac:0004a30b001c0530:flow", "m3/s", 0.0125, 1788390574000000);
    assert_reading_is(&readings.items[1], "urn:dev:mac:0004a30b001c0530:pressure", "Pa", 412000, 1788389674000000);
}

static void small_times_are_from_now(void **state)
{
    (void)state;
    assert_false(decode("81a3006141061c02183c"));
    assert_true(decode("81a300614106383b0218ff")); /* A, t -60, v 255 */
    assert_reading_is(&readings.items[0], "A", NULL, 255, NOW - 60000000);
}

static void every_cut_is_refused(void **state)
{
    size_t size = bytes_of_hex(body, sizeof body, water_pack);
    (void)state;
    for (size_t i = 0; i < size; i++) {
        assert_false(decode_bytes(i));
        assert_int_equal(err.kind, ERR_INPUT);
    }
}

static void forms_of_numbers_and_lists(void **state)
{
    (void)state;
    assert_true(decode("81a200614102f93e00")); /* a half: 1.5 */
    assert_reading_is(&readings.items[0], "A", NULL, 1.5, 0);
    assert_true(decode("81a200614102fa3fc00000")); /* a single */
    assert_reading_is(&readings.items[0], "A", NULL, 1.5, 0);
    assert_true(decode("81a200614102c48221196ab3")); /* 273.15 as a decimal fraction */
    assert_reading_is(&readings.items[0], "A", NULL, 273.15, 0);
    assert_true(decode("9fbf00614102182affff")); /* of no said length */
    assert_reading_is(&readings.items[0], "A", NULL, 42, 0);
    assert_true(decode("81a200614104f5")); /* vb */
    assert_reading_is(&readings.items[0], "A", NULL, 1, 0);
}

static void what_is_no_value_is_that_records_fault(void **state)
{
    (void)state;
    assert_true(decode("82a200614102f97e00a20061420201")); /* NaN, then 1 */
    assert_string_equal(readings.items[0].fault, "value is not a finite number");
    assert_reading_is(&readings.items[1], "B", NULL, 1, 0);
    assert_true(decode("81a20061410361"
                       "78")); /* vs */
    assert_string_equal(readings.items[0].fault_field, "vs");
    assert_true(decode("81a20061410841"
                       "ff")); /* vd */
    assert_string_equal(readings.items[0].fault_field, "vd");
}

static void packs_that_are_refused(void **state)
{
    static const char *const wrong[] = {
        "", "a0", /* no list */
        "8101",   /* a record that is a number */
        "81a220"
        "0b"
        "0201", /* bver 11 */
        "81a3006141"
        "0201"
        "0201",                 /* v twice */
        "81a200614102fb7ff000", /* cut within a float */
        "81a3006141"
        "0201"
        "6162"
        "5f00", /* cut off */
        "81a3006141"
        "0201"
        "65746573745f"
        "00",                 /* test_ must be understood */
        "9b0000000100000000", /* four billion records, and not one */
        "81a1007affffffff41", /* a name of four gigabytes */
        "81a200614102"
        "01"
        "00", /* more after the end */
        "81a2006241ff"
        "0201",                                                   /* no UTF-8 */
        "81a20061410a9f9f9f9f9f9f9f9f9f9f01ffffffffffffffffffff", /* nested too deep */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(decode(wrong[i]));
        assert_int_equal(err.kind, ERR_INPUT);
        assert_true(strlen(err.text) > 0);
    }
}

static void labels_that_are_not_known_are_passed_over(void **state)
{
    (void)state;
    assert_true(decode("81a4006141"
                       "0201"
                       "6474657374"
                       "a10102"
                       "1863"
                       "820102"));
    assert_reading_is(&readings.items[0], "A", NULL, 1, 0);
    assert_true(decode("81a2"
                       "616e"
                       "6141"
                       "6176"
                       "07")); /* by their names */
    assert_reading_is(&readings.items[0], "A", NULL, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pack_of_the_rfc_is_resolved),
        cmocka_unit_test(water_comes_with_its_units_and_times),
        cmocka_unit_test(small_times_are_from_now),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(forms_of_numbers_and_lists),
        cmocka_unit_test(what_is_no_value_is_that_records_fault),
        cmocka_unit_test(packs_that_are_refused),
        cmocka_unit_test(labels_that_are_not_known_are_passed_over),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
