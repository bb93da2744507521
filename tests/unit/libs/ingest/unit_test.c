/* Units are found however they are written, and converted without losing a bit that need not be lost. */
#include "ingest/unit.h"
#include "ingest/unit_table.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= fabs(expected) * 1e-14))
        fail_msg("%.17g is not near %.17g", value, expected);
}

static const struct unit *find(const char *text)
{
    return unit_find(text, strlen(text));
}

static void usual_spellings_are_found(void **state)
{
    static const struct {
        const char *text, *code;
    } cases[] = { { "bar", "bar" }, { "BAR", "bar" }, { "kPa", "kPa" }, { "KPA", "kPa" }, { "psi", "[psi]" },
        { "mH2O", "m[H2O]" }, { "m³/h", "m3/h" }, { "m3/h", "m3/h" }, { "M3/H", "m3/h" }, { "l/s", "L/s" },
        { "L/s", "L/s" }, { "gpm", "[gal_us]/min" }, { "°C", "Cel" }, { "C", "Cel" }, { "degF", "[degF]" },
        { "NTU", "{NTU}" }, { "ntu", "{NTU}" }, { "pH", "[pH]" }, { "PH", "[pH]" }, { "µS/cm", "uS/cm" },
        { "μS/cm", "uS/cm" }, { "us/cm", "uS/cm" }, { "kWh", "kW.h" }, { "%", "%" }, { "%EL", "%" }, { "1", "1" },
        { "/", "1" }, { "ML", "ML" }, { "Ml", "ML" }, { "ml", "mL" }, { "mL", "mL" }, { "ML/d", "ML/d" },
        { "ml/d", "mL/d" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct unit *unit = find(cases[i].text);
        if (!unit)
            fail_msg("%s is not found", cases[i].text);
        assert_string_equal(unit_code(unit), cases[i].code);
    }
}

static void what_is_no_unit_is_not_found(void **state)
{
    static const char *const texts[] = { "", "bars", "furlong", "m3/fortnight", "bar ", " bar",
        "a very long unit of measure indeed" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_null(find(texts[i]));
    assert_null(unit_find("bar\0", 4));
}

static void a_factor_of_a_milliard_hangs_on_no_capital(void **state)
{
    (void)state;
    assert_null(find("mLD "));
    assert_string_equal(unit_code(find("mL/d")), "mL/d");
    assert_string_equal(unit_code(find("ML/d")), "ML/d");
    assert_null(find("mL/D")); /* megalitres or millilitres a day? */
}

static void no_spelling_has_two_meanings(void **state)
{
    (void)state;
    for (size_t i = 0; i < unit_count; i++) {
        assert_ptr_equal(find(units[i].code), &units[i]);
        for (const char *at = units[i].also; at && *at;) {
            size_t length = strcspn(at, " ");
            if (unit_find(at, length) != &units[i])
                fail_msg("%.*s of %s means something else too", (int)length, at, units[i].code);
            at += length + (at[length] == ' ');
        }
    }
}

static void values_are_converted(void **state)
{
    static const struct {
        const char *from, *to;
        double value, expected;
    } cases[] = { { "kPa", "bar", 350, 3.5 }, { "mbar", "bar", 3210, 3.21 }, { "MPa", "bar", 0.5, 5 },
        { "Pa", "bar", 412000, 4.12 }, { "bar", "kPa", 4.12, 412 }, { "m[H2O]", "Pa", 1, 9806.65 },
        { "L/s", "m3/h", 10, 36 }, { "m3/h", "L/s", 36, 10 }, { "L/min", "m3/h", 100, 6 },
        { "m3/s", "m3/h", 0.0125, 45 }, { "ML/d", "m3/d", 1.5, 1500 }, { "mL/min", "L/h", 1000, 60 },
        { "L", "m3", 6054, 6.054 }, { "cm", "m", 271, 2.71 }, { "[ft_i]", "m", 10, 3.048 }, { "[in_i]", "mm", 1, 25.4 },
        { "K", "Cel", 273.15, 0 }, { "Cel", "K", 0, 273.15 }, { "[degF]", "Cel", 212, 100 },
        { "[degF]", "Cel", -40, -40 }, { "Cel", "[degF]", 37, 98.6 }, { "ug/L", "mg/L", 250, 0.25 },
        { "ppm", "mg/L", 0.5, 0.5 }, { "mS/cm", "uS/cm", 0.5, 500 }, { "S/m", "uS/cm", 0.05, 500 },
        { "mV", "V", 650, 0.65 }, { "MW", "kW", 1.2, 1200 }, { "MJ", "kW.h", 3.6, 1 }, { "%", "1", 55, 0.55 },
        { "rpm", "Hz", 3000, 50 } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double value = 0;
        if (!unit_convert(find(cases[i].from), find(cases[i].to), cases[i].value, &value) || value != cases[i].expected)
            fail_msg("%g %s is %.17g %s, expected %.17g", cases[i].value, cases[i].from, value, cases[i].to,
                cases[i].expected);
    }
}

static void american_units_are_right_to_the_last_digits(void **state)
{
    double value;
    (void)state;
    assert_true(unit_convert(find("psi"), find("Pa"), 1, &value));
    assert_near(value, 6894.757293168361);
    assert_true(unit_convert(find("gpm"), find("L/min"), 1, &value));
    assert_near(value, 3.785411784);
    assert_true(unit_convert(find("MGD"), find("m3/d"), 1, &value));
    assert_near(value, 3785.411784);
    assert_true(unit_convert(find("ft3"), find("L"), 1, &value));
    assert_near(value, 28.316846592);
}

static void the_same_unit_keeps_every_bit(void **state)
{
    static const double values[] = { 0.1, -0.0, 3.5, 5e-324, 1.7976931348623157e308, 0.30000000000000004 };
    (void)state;
    for (size_t i = 0; i < unit_count; i++)
        for (size_t k = 0; k < COUNT_OF(values); k++) {
            double value;
            assert_true(unit_convert(&units[i], &units[i], values[k], &value));
            assert_memory_equal(&value, &values[k], sizeof value);
        }
}

static void there_and_back_is_where_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < unit_count; i++)
        for (size_t k = 0; k < unit_count; k++) {
            double there, back;
            if (!unit_convert(&units[i], &units[k], 12.34, &there))
                continue;
            if (!unit_convert(&units[k], &units[i], there, &back))
                continue; /* metres are metres of water one way only */
            assert_near(back, 12.34);
        }
}

static void other_quantities_are_not_converted(void **state)
{
    double value;
    (void)state;
    assert_false(unit_convert(find("bar"), find("m3/h"), 1, &value));
    assert_false(unit_convert(find("NTU"), find("FNU"), 1, &value));
    assert_false(unit_convert(find("bar"), find("m"), 1, &value));
    assert_false(unit_convert(find("%"), find("m"), 1, &value));
}

static void metres_are_of_water_for_a_pressure(void **state)
{
    double value;
    (void)state;
    assert_true(unit_convert(find("m"), find("m[H2O]"), 32.7, &value));
    assert_true(value == 32.7);
    assert_true(unit_convert(find("m"), find("bar"), 10, &value));
    assert_near(value, 0.980665);
}

static void every_kind_has_a_unit_that_fits_it(void **state)
{
    static const char *const kinds[] = { "pressure", "flow", "level", "volume", "temperature", "ph", "chlorine",
        "turbidity", "conductivity", "redox", "power", "energy", "voltage", "state", "other" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const char *code = unit_of_kind(kinds[i]);
        assert_non_null(code);
        assert_non_null(find(code));
        assert_string_equal(unit_code(find(code)), code);
        assert_true(unit_fits_kind(find(code), kinds[i]));
    }
    assert_null(unit_of_kind("length"));
    assert_false(unit_fits_kind(find("bar"), "flow"));
    assert_false(unit_fits_kind(find("bar"), "length"));
    assert_true(unit_fits_kind(find("%"), "level"));
    assert_true(unit_fits_kind(find("bar"), "other"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_spellings_are_found),
        cmocka_unit_test(what_is_no_unit_is_not_found),
        cmocka_unit_test(a_factor_of_a_milliard_hangs_on_no_capital),
        cmocka_unit_test(no_spelling_has_two_meanings),
        cmocka_unit_test(values_are_converted),
        cmocka_unit_test(american_units_are_right_to_the_last_digits),
        cmocka_unit_test(the_same_unit_keeps_every_bit),
        cmocka_unit_test(there_and_back_is_where_it_was),
        cmocka_unit_test(other_quantities_are_not_converted),
        cmocka_unit_test(metres_are_of_water_for_a_pressure),
        cmocka_unit_test(every_kind_has_a_unit_that_fits_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
