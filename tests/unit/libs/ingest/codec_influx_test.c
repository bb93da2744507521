/* InfluxDB's line protocol: a reading a field, escapes, types, precision; a wrong line is its own fault alone. */
#include "ingest/codec.h"
#include "tests/support/test_readings.h"

static struct arena arena;
static struct raw_readings readings;
static struct err err;

static bool decode_in(const char *body, int64_t unit_ns)
{
    arena_reset(&arena);
    err = (struct err){ 0 };
    readings = (struct raw_readings){ 0 };
    return codec_influx_decode(&readings, &arena, body, strlen(body), unit_ns, &err);
}

static bool decode(const char *body)
{
    return decode_in(body, 1);
}

static void a_point_with_every_escape_and_type(void **state)
{
    (void)state;
    assert_true(decode("flow,site=W\\ 12,dev=a\\,b value=12.5,total=10482i,cnt=7u,ok=true,msg=\"a \\\"q\\\" \\\\ b\" "
                       "1700000000000000000"));
    assert_int_equal(readings.count, 5);
    assert_string_equal(readings.codec, "influx");
    assert_reading_is(&readings.items[0], "flow", NULL, 12.5, 1700000000000000);
    assert_reading_is(&readings.items[1], "flow/total", NULL, 10482, 1700000000000000);
    assert_reading_is(&readings.items[2], "flow/cnt", NULL, 7, 1700000000000000);
    assert_reading_is(&readings.items[3], "flow/ok", NULL, 1, 1700000000000000);
    assert_string_equal(readings.items[4].fault, "texts are not stored: send a number");
    assert_string_equal(readings.items[4].fault_field, "value");
}

static void a_tag_names_the_sensor_and_another_its_unit(void **state)
{
    (void)state;
    assert_true(decode("m,unit=bar,sensor_id=P-1,host=x value=4,min=3\nm,sensor=P\\ 2 value=5"));
    assert_int_equal(readings.count, 3);
    assert_reading_is(&readings.items[0], "P-1", "bar", 4, 0);
    assert_reading_is(&readings.items[1], "P-1/min", "bar", 3, 0);
    assert_reading_is(&readings.items[2], "P 2", NULL, 5, 0);
}

static void lines_that_are_refused_one_by_one(void **state)
{
    static const char *const wrong[] = { "flow", "flow,a=b", "flow,a= value=1", "flow value=12.5.1", "flow value=1,",
        "flow value=", "flow =1", "flow value=1 12x", "flow value=1 1 2", ",a=b value=1", "flow value=1.5i",
        "flow value=-1u", "flow value=\"open", "flow value=NaN", "flow value=abc", "flow,a value=1",
        "flow value=99999999999999999999i", "flow value=1 99999999999999999999", "flow\\ value=1", "fl\xffow value=1" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_true(decode(wrong[i]));
        assert_int_equal(readings.count, 1);
        assert_non_null(readings.items[0].fault);
        assert_memory_equal(readings.items[0].fault, "line 1: ", 8);
    }
}

static void comments_blank_lines_and_missing_times_are_fine(void **state)
{
    (void)state;
    assert_true(decode("# x\n\n  \r\nflow value=1\r\n  flow value=2  \n"));
    assert_int_equal(readings.count, 2);
    assert_reading_is(&readings.items[0], "flow", NULL, 1, 0);
    assert_reading_is(&readings.items[1], "flow", NULL, 2, 0);
}

static void a_wrong_line_leaves_the_others_alone(void **state)
{
    (void)state;
    assert_true(decode("a value=1,b=2,c=x\na value=3\nb value=4,"));
    assert_int_equal(readings.count, 3);
    assert_memory_equal(readings.items[0].fault, "line 1: ", 8);
    assert_null(readings.items[0].sensor);
    assert_reading_is(&readings.items[1], "a", NULL, 3, 0);
    assert_memory_equal(readings.items[2].fault, "line 3: ", 8);
}

static void times_count_in_the_precision(void **state)
{
    static const struct {
        const char *precision, *line;
        int64_t observed_at;
    } cases[] = { { "ns", "a value=1 1700000000123456789", 1700000000123456 },
        { "u", "a value=1 1700000000123456", 1700000000123456 }, { "ms", "a value=1 1700000000123", 1700000000123000 },
        { "s", "a value=1 1700000000", 1700000000000000 }, { "m", "a value=1 28333333", 1699999980000000 },
        { "h", "a value=1 472222", 1699999200000000 } };
    int64_t unit_ns;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(codec_influx_unit(cases[i].precision, &unit_ns) && decode_in(cases[i].line, unit_ns));
        assert_reading_is(&readings.items[0], "a", NULL, 1, cases[i].observed_at);
    }
    assert_false(codec_influx_unit("days", &unit_ns));
    assert_true(decode_in("a value=1 9223372036854775807", INT64_C(3600000000000)));
    assert_string_equal(readings.items[0].fault, "line 1: the time is too large: check the precision");
}

static void escapes_are_taken_off_names(void **state)
{
    (void)state;
    assert_true(decode("fl\\ ow\\,x a\\=b=1"));
    assert_reading_is(&readings.items[0], "fl ow,x/a=b", NULL, 1, 0);
    assert_true(decode("a\\b value=1")); /* a backslash before another letter stays */
    assert_reading_is(&readings.items[0], "a\\b", NULL, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_with_every_escape_and_type),
        cmocka_unit_test(a_tag_names_the_sensor_and_another_its_unit),
        cmocka_unit_test(lines_that_are_refused_one_by_one),
        cmocka_unit_test(comments_blank_lines_and_missing_times_are_fine),
        cmocka_unit_test(a_wrong_line_leaves_the_others_alone),
        cmocka_unit_test(times_count_in_the_precision),
        cmocka_unit_test(escapes_are_taken_off_names),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
