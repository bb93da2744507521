/* The compact form in CBOR: one record, a list, the wrapper; a value with its unit; times of three spellings. */
#include "ingest/codec.h"
#include "tests/support/test_readings.h"

static struct arena arena;
static struct raw_readings readings;
static struct err err;
static unsigned char body[1024];

static bool decode_bytes(size_t size)
{
    arena_reset(&arena);
    err = (struct err){ 0 };
    readings = (struct raw_readings){ 0 };
    return codec_compact_cbor_decode(&readings, &arena, (const char *)body, size, &err);
}

static bool decode(const char *hex)
{
    return decode_bytes(bytes_of_hex(body, sizeof body, hex));
}

/* {"d": "x", "t": 1700000000.5, "m": {"P": [4.125, "bar"], "F": 12.5, "OK": true}} */
static const char record[] = "a3"
                             "61646178"
                             "6174fb41d954fc40200000"
                             "616da3"
                             "615082f9442063626172"
                             "6146f94a40"
                             "624f4bf5";

static void a_record_has_a_time_and_values(void **state)
{
    (void)state;
    assert_true(decode(record));
    assert_int_equal(readings.count, 3);
    assert_string_equal(readings.codec, "compact-cbor");
    assert_reading_is(&readings.items[0], "P", "bar", 4.125, 1700000000500000);
    assert_reading_is(&readings.items[1], "F", NULL, 12.5, 1700000000500000);
    assert_reading_is(&readings.items[2], "OK", NULL, 1, 1700000000500000);
}

static void lists_and_the_wrapper_hold_records(void **state)
{
    (void)state;
    assert_true(decode("82"
                       "a1616da1614101"
                       "a1616da1614102"));
    assert_int_equal(readings.count, 2);
    assert_reading_is(&readings.items[1], "A", NULL, 2, 0);
    assert_true(decode("a1"
                       "6162"
                       "81"
                       "a1616da1614103"));
    assert_reading_is(&readings.items[0], "A", NULL, 3, 0);
}

static void a_time_may_stand_behind_and_be_milliseconds_or_text(void **state)
{
    (void)state;
    assert_true(decode("a2"
                       "616da1614101"
                       "6174"
                       "1b0000018bcfe56800"));
    assert_reading_is(&readings.items[0], "A", NULL, 1, 1700000000000000);
    assert_true(decode("a2"
                       "616da1614101"
                       "6174"
                       "74323032332d31312d31345432323a31333a32305a"));
    assert_reading_is(&readings.items[0], "A", NULL, 1, 1700000000000000);
    assert_true(decode("a2"
                       "616da1614101"
                       "6174"
                       "f6"));
    assert_string_equal(readings.items[0].fault_field, "timestamp");
}

static void wrong_bodies_are_refused_and_wrong_values_are_faults(void **state)
{
    static const char *const wrong[] = { "", "01", "a0", "a1616d01", "a2616da0616da0", "a1616da16141820102",
        "a1616da1614183016162f6", "a1616da10101", "a1616da161410100", "bf616da1614101" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(decode(wrong[i]));
        assert_int_equal(err.kind, ERR_INPUT);
    }
    assert_true(decode("a1616da2614161786142f97c00")); /* a text, infinity */
    assert_string_equal(readings.items[0].fault, "value is neither a number nor true or false");
    assert_string_equal(readings.items[1].fault, "value is not a finite number");
}

static void every_cut_is_refused(void **state)
{
    size_t size = bytes_of_hex(body, sizeof body, record);
    (void)state;
    for (size_t i = 0; i < size; i++)
        assert_false(decode_bytes(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_a_time_and_values),
        cmocka_unit_test(lists_and_the_wrapper_hold_records),
        cmocka_unit_test(a_time_may_stand_behind_and_be_milliseconds_or_text),
        cmocka_unit_test(wrong_bodies_are_refused_and_wrong_values_are_faults),
        cmocka_unit_test(every_cut_is_refused),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
