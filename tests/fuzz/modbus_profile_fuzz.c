/* Any text as a device's configuration: none, refused with a reason, or a profile whose values all lie within what its
 * requests read, so that nothing is ever taken from beyond an answer. */
#include "modbus_profile.h"
#include "tests/fuzz/fuzz.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void look_at_point(const struct modbus_profile *profile, const struct modbus_point *point)
{
    static const uint16_t registers[4] = { 0xffff, 0x7ff8, 1, 0 };
    if (point->block >= profile->block_count)
        abort();
    const struct modbus_block *block = &profile->blocks[point->block];
    size_t width = modbus_type_registers(point->type);
    if (point->place + width > block->count || block->first + point->place != point->address ||
        block->table != point->table)
        abort();
    double raw = modbus_raw_value(point, registers);
    volatile bool is_invalid = modbus_is_invalid(point, raw);
    (void)is_invalid;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct modbus_profile *profile = NULL;
    struct err err = { 0 };
    if (!modbus_profile_parse(&profile, (const char *)data, size, &err)) {
        if (profile || err.text[0] == '\0' || (err.kind != ERR_INPUT && err.kind != ERR_LIMIT))
            abort();
        return 0;
    }
    if (!profile)
        return 0;
    if (profile->point_count == 0 || profile->point_count > MODBUS_MOST_POINTS || profile->period_ms <= 0)
        abort();
    for (size_t i = 0; i < profile->block_count; i++)
        if (profile->blocks[i].count == 0 || profile->blocks[i].count > MODBUS_MOST_REGISTERS ||
            profile->blocks[i].first + profile->blocks[i].count > 65536)
            abort();
    for (size_t i = 0; i < profile->point_count; i++) {
        const struct modbus_point *point = &profile->points[i];
        if (!memchr(point->sensor, '\0', sizeof point->sensor) || !isfinite(point->scale) || !isfinite(point->offset))
            abort();
        look_at_point(profile, point);
    }
    if (profile->has_quality)
        look_at_point(profile, &profile->quality);
    free(profile);
    return 0;
}
