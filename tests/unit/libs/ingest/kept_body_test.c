/* What is kept with a refusal is read again as it was read when it came. */
#include "ingest/kept_body.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct directory_device device = { .tenant_id = 1, .device_code = "LOGGER-7" };

static const struct {
    const char *type, *body;
    size_t size;        /* 0: a text */
    const char *expect; /* NULL: cannot be read */
    bool is_readable;
} cases[] = {
    { "application/json", "{\"m\":{\"P1\":[4.5,\"bar\"]}}", 0, "P1 4.5 -1", true },
    { "application/json", "[{\"sensor_id\":\"P1\",\"value\":4.5}]", 0, "P1 4.5 -1", true },
    { "text/csv", "sensor_id,value\nP1,4.5\n", 0, "P1 4.5 -1", true },
    { KEPT_BODY_LINES "; precision=s", "P1 value=4.5 1700000000", 0, "P1 4.5 1700000000000000", true },
    { KEPT_BODY_LINES "; precision=ns", "P1 value=4.5 1700000000000000000", 0, "P1 4.5 1700000000000000", true },
    { KEPT_BODY_LINES "; precision=zz", "P1 value=4.5", 0, NULL, true },
    { KEPT_BODY_THINGSBOARD, "{\"P1\":4.5}", 0, "P1 4.5 -1", true },
    { KEPT_BODY_THINGSBOARD_GATEWAY, "{\"Dev A\":[{\"ts\":1700000000000,\"values\":{\"P1\":4.5}}]}", 0,
        "Dev A/P1 4.5 1700000000000000", true },
    { KEPT_BODY_VALUE "plant/P; sensor=1", "4.5", 0, "plant/P; sensor=1 4.5 -1", true },
    { "application/x-cayenne-lpp", "\x03\x67\x01\x10", 4, "LOGGER-7/temperature_3 27.2 -1", true },
    { KEPT_BODY_SPARKPLUG, "x", 0, NULL, false },
    { KEPT_BODY_MODBUS, "{}", 0, NULL, false },
    { "text/plain", "4.5", 0, NULL, false },
    { NULL, "[]", 0, NULL, false },
};

static void each_way_in_is_read_by_what_its_content_type_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_INPLACE(arena) arena;
        struct raw_readings readings = { 0 };
        struct err err = { 0 };
        char text[200] = "";
        const struct device_body body = { .device = &device,
            .content_type = cases[i].type,
            .bytes = cases[i].body,
            .size = cases[i].size > 0 ? cases[i].size : strlen(cases[i].body),
            .received_at = INT64_C(1700000000000000),
            .from_memory = true };
        arena_init(&arena, 1024 * 1024);
        assert_int_equal(kept_body_is_readable(cases[i].type), cases[i].is_readable);
        bool ok = kept_body_decode(&readings, &arena, NULL, &body, &err);
        if (!cases[i].expect) {
            assert_false(ok);
            assert_int_equal(err.kind, ERR_INPUT);
            continue;
        }
        if (!ok || readings.count != 1)
            fail_msg("%s: %zu readings, %s", cases[i].type, readings.count, err.text);
        const struct raw_reading *reading = &readings.items[0];
        snprintf(text, sizeof text, "%.*s %g %lld", (int)reading->sensor_length, reading->sensor, reading->value,
            reading->has_time ? (long long)reading->observed_at : -1);
        assert_string_equal(text, cases[i].expect);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_way_in_is_read_by_what_its_content_type_says) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
