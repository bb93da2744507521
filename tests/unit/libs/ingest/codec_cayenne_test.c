/* Cayenne LPP: each type with its size, sign, scale and unit; what is cut off is refused. */
#include "ingest/codec.h"
#include "tests/support/test_readings.h"

static struct arena arena;
static struct raw_readings readings;
static struct err err;

static bool decode(const char *hex)
{
    unsigned char body[256];
    size_t size = bytes_of_hex(body, sizeof body, hex);
    arena_reset(&arena);
    err = (struct err){ 0 };
    readings = (struct raw_readings){ 0 };
    return codec_cayenne_decode(&readings, &arena, "L-7", body, size, &err);
}

static void a_payload_of_two_channels(void **state)
{
    (void)state;
    assert_true(decode("0367011001740bb8"));
    assert_int_equal(readings.count, 2);
    assert_string_equal(readings.codec, "cayenne-lpp");
    assert_reading_is(&readings.items[0], "L-7/temperature_3", "Cel", 27.2, 0);
    assert_reading_is(&readings.items[1], "L-7/voltage_1", "V", 30, 0);
}

static void every_type_has_its_size_sign_and_scale(void **state)
{
    static const struct {
        const char *hex, *sensor, *unit;
        double value;
    } cases[] = {
        { "0100ff", "L-7/digital_in_1", "1", 255 },
        { "010101", "L-7/digital_out_1", "1", 1 },
        { "0102ff9c", "L-7/analog_in_1", NULL, -1 },
        { "010303e8", "L-7/analog_out_1", NULL, 10 },
        { "0164ffffffff", "L-7/generic_1", NULL, 4294967295.0 },
        { "01658000", "L-7/luminosity_1", NULL, 32768 },
        { "016601", "L-7/presence_1", "1", 1 },
        { "0167ffff", "L-7/temperature_1", "Cel", -0.1 },
        { "016829", "L-7/relative_humidity_1", "%", 20.5 },
        { "0173ffff", "L-7/barometric_pressure_1", "hPa", 6553.5 },
        { "0175ffff", "L-7/current_1", "A", 65.535 },
        { "017600000032", "L-7/frequency_1", "Hz", 50 },
        { "017864", "L-7/percentage_1", "%", 100 },
        { "0179ff38", "L-7/altitude_1", "m", -200 },
        { "017d0190", "L-7/concentration_1", "[ppm]", 400 },
        { "018003e8", "L-7/power_1", "W", 1000 },
        { "018200000bb8", "L-7/distance_1", "m", 3 },
        { "0183000004d2", "L-7/energy_1", "kW.h", 1.234 },
        { "01840168", "L-7/direction_1", NULL, 360 },
        { "018e01", "L-7/switch_1", "1", 1 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(decode(cases[i].hex));
        assert_int_equal(readings.count, 1);
        assert_reading_is(&readings.items[0], cases[i].sensor, cases[i].unit, cases[i].value, 0);
    }
}

static void axes_are_readings_of_their_own(void **state)
{
    (void)state;
    assert_true(decode("0671"
                       "04d2"
                       "fb2e"
                       "0000"));
    assert_int_equal(readings.count, 3);
    assert_reading_is(&readings.items[0], "L-7/accelerometer_6_x", NULL, 1.234, 0);
    assert_reading_is(&readings.items[1], "L-7/accelerometer_6_y", NULL, -1.234, 0);
    assert_true(decode("0188"
                       "06765f"
                       "f2960a"
                       "0003e8"));
    assert_reading_is(&readings.items[0], "L-7/gps_1_latitude", NULL, 42.3519, 0);
    assert_reading_is(&readings.items[1], "L-7/gps_1_longitude", NULL, -87.9094, 0);
    assert_reading_is(&readings.items[2], "L-7/gps_1_altitude", "m", 10, 0);
    assert_true(decode("0187"
                       "010203"));
    assert_reading_is(&readings.items[2], "L-7/colour_1_b", NULL, 3, 0);
    assert_true(decode("0186"
                       "0064"
                       "ff9c"
                       "0000"));
    assert_reading_is(&readings.items[1], "L-7/gyrometer_1_y", NULL, -1, 0);
}

static void a_time_is_that_of_what_follows(void **state)
{
    (void)state;
    assert_true(decode("016601"
                       "0085"
                       "6553f100"
                       "016600"));
    assert_int_equal(readings.count, 2);
    assert_reading_is(&readings.items[0], "L-7/presence_1", "1", 1, 0);
    assert_reading_is(&readings.items[1], "L-7/presence_1", "1", 0, 1700000000000000);
}

static void what_is_cut_off_or_unknown_is_refused(void **state)
{
    static const char *const wrong[] = { "03", "0367", "036701", "0367011001", "0188f2960a06765f0003", "01ff00" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(decode(wrong[i]));
        assert_int_equal(err.kind, ERR_INPUT);
    }
    assert_true(decode(""));
    assert_int_equal(readings.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_of_two_channels),
        cmocka_unit_test(every_type_has_its_size_sign_and_scale),
        cmocka_unit_test(axes_are_readings_of_their_own),
        cmocka_unit_test(a_time_is_that_of_what_follows),
        cmocka_unit_test(what_is_cut_off_or_unknown_is_refused),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
