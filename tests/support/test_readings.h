/* What a codec gave, held against what it should be. For cmocka tests of codecs. */
#pragma once
#include "base/text.h"
#include "ingest/intake.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* unit NULL: the sensor's own; observed_at 0: no time. */
static inline void assert_reading_is(
    const struct raw_reading *reading, const char *sensor, const char *unit, double value, int64_t observed_at)
{
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

/* Gives how many bytes there were. */
static inline size_t bytes_of_hex(unsigned char *bytes, size_t size, const char *hex)
{
    size_t count = strlen(hex) / 2;
    assert_true(count <= size && text_from_hex(bytes, count, hex, 2 * count));
    return count;
}
