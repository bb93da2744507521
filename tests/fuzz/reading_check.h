/* What holds for every reading that a codec gives, whatever the bytes were. */
#pragma once
#include "ingest/intake.h"
#include <stdlib.h>

/* Every byte of every text is looked at, so that one outside is seen. */
static inline unsigned sum_of(const char *text, size_t length)
{
    unsigned sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += (unsigned char)text[i];
    return sum;
}

static inline void check_reading(const struct raw_reading *reading)
{
    if (reading->fault)
        return;
    if (!reading->sensor || reading->sensor_length == 0)
        abort();
    volatile unsigned sum = sum_of(reading->sensor, reading->sensor_length);
    if (reading->unit)
        sum += sum_of(reading->unit, reading->unit_length);
    (void)sum;
}

/* Of a codec's answer. */
static inline void check_readings(bool is_read, const struct raw_readings *readings, const struct err *err)
{
    if (!is_read && err->kind != ERR_INPUT && err->kind != ERR_LIMIT)
        abort();
    if (is_read && (err->kind != ERR_NONE || readings->count > INTAKE_MOST_READINGS))
        abort();
    for (size_t i = 0; is_read && i < readings->count; i++)
        check_reading(&readings->items[i]);
}
