#include "mark_set.h"
#include <stdlib.h>
#include <string.h>

enum { FEWEST_SLOTS = 1024, KEPT_SLOTS = 128 * 1024 };

void mark_set_init(struct mark_set *set)
{
    *set = (struct mark_set){ 0 };
}

void mark_set_done(struct mark_set *set)
{
    free(set->slots);
    free(set->sensor_no);
    free(set->hour);
    mark_set_init(set);
}

void mark_set_reset(struct mark_set *set)
{
    if (set->slot_count > KEPT_SLOTS)
        mark_set_done(set);
    else if (set->count > 0)
        memset(set->slots, 0, set->slot_count * sizeof *set->slots);
    set->count = 0;
    set->last = 0;
}

static size_t slot_of(uint64_t mark, size_t slot_count)
{
    /* The sensor sits in the upper half, and a product carries upwards only: folded back, it reaches the bits that are
     * used. */
    uint64_t mixed = mark * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed ^ mixed >> 32) & (slot_count - 1);
}

static void put_slot(uint64_t *slots, size_t slot_count, uint64_t mark)
{
    size_t at = slot_of(mark, slot_count);
    while (slots[at] != 0)
        at = (at + 1) & (slot_count - 1);
    slots[at] = mark;
}

static uint64_t mark_of(int32_t sensor_no, int32_t hour)
{
    return (uint64_t)(uint32_t)sensor_no << 32 | (uint32_t)hour;
}

/* Half of the slots stay free. The arrays are as long as marks fit. */
static bool grow(struct mark_set *set, struct err *err)
{
    size_t slot_count = set->slot_count ? set->slot_count * 2 : FEWEST_SLOTS;
    uint64_t *slots = calloc(slot_count, sizeof *slots);
    int32_t *sensor_no = realloc(set->sensor_no, slot_count / 2 * sizeof *sensor_no);
    if (sensor_no)
        set->sensor_no = sensor_no;
    int32_t *hour = realloc(set->hour, slot_count / 2 * sizeof *hour);
    if (hour)
        set->hour = hour;
    if (!slots || !sensor_no || !hour) {
        free(slots);
        return err_set(err, ERR_TRANSIENT, "no memory for %zu marks", slot_count / 2);
    }
    for (size_t i = 0; i < set->count; i++)
        put_slot(slots, slot_count, mark_of(sensor_no[i], hour[i]));
    free(set->slots);
    set->slots = slots;
    set->slot_count = slot_count;
    return true;
}

bool mark_set_put(struct mark_set *set, int32_t sensor_no, int32_t hour, struct err *err)
{
    uint64_t mark = mark_of(sensor_no, hour);
    if (mark == set->last)
        return true;
    if (set->count == set->slot_count / 2 && !grow(set, err))
        return false;
    size_t at = slot_of(mark, set->slot_count);
    while (set->slots[at] != 0 && set->slots[at] != mark)
        at = (at + 1) & (set->slot_count - 1);
    set->last = mark;
    if (set->slots[at] == mark)
        return true;
    set->slots[at] = mark;
    set->sensor_no[set->count] = sensor_no;
    set->hour[set->count] = hour;
    set->count++;
    return true;
}
