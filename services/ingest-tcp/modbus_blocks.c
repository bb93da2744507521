#include "modbus_blocks.h"
#include <stdlib.h>

static int by_place(const void *left, const void *right)
{
    const struct modbus_point *one = *(struct modbus_point *const *)left, *other = *(struct modbus_point *const *)right;
    if (one->table != other->table)
        return one->table < other->table ? -1 : 1;
    return one->address < other->address ? -1 : one->address > other->address;
}

/* Registers between two that are wanted are read along, if the device has them: a request costs more. */
static bool fits(
    const struct modbus_profile *profile, const struct modbus_block *block, const struct modbus_point *point)
{
    size_t end = point->address + modbus_type_registers(point->type);
    return block->table == point->table && point->address <= block->first + block->count + profile->largest_gap &&
           end - block->first <= MODBUS_MOST_REGISTERS;
}

static void add(struct modbus_profile *profile, struct modbus_point *point)
{
    struct modbus_block *block = profile->block_count > 0 ? &profile->blocks[profile->block_count - 1] : NULL;
    size_t end = point->address + modbus_type_registers(point->type);
    if (!block || !fits(profile, block, point)) {
        block = &profile->blocks[profile->block_count++];
        *block = (struct modbus_block){ .table = point->table, .first = point->address };
    }
    if (end > (size_t)block->first + block->count)
        block->count = (uint16_t)(end - block->first);
    point->block = (size_t)(block - profile->blocks);
    point->place = (size_t)(point->address - block->first);
}

void modbus_blocks_make(struct modbus_profile *profile)
{
    struct modbus_point *points[MODBUS_MOST_POINTS + 1];
    size_t count = 0;
    for (size_t i = 0; i < profile->point_count; i++)
        points[count++] = &profile->points[i];
    if (profile->has_quality)
        points[count++] = &profile->quality;
    qsort(points, count, sizeof points[0], by_place);
    for (size_t i = 0; i < count; i++)
        add(profile, points[i]);
}
