#include "ingest/raw_list.h"
#include <string.h>

enum { LEAST_CAPACITY = 16 };

static bool grow(struct raw_list *list, struct err *err)
{
    size_t capacity = list->capacity > 0 ? list->capacity * 2 : list->first_capacity;
    if (capacity < LEAST_CAPACITY)
        capacity = LEAST_CAPACITY;
    if (capacity > INTAKE_MOST_READINGS)
        capacity = INTAKE_MOST_READINGS;
    struct raw_reading *items = arena_alloc_array(list->arena, capacity, sizeof *items);
    if (!items)
        return err_set(err, ERR_LIMIT, "%zu readings do not fit into the memory of one request", capacity);
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    list->items = items;
    list->capacity = capacity;
    return true;
}

struct raw_reading *raw_list_add(struct raw_list *list, struct err *err)
{
    if (list->count == INTAKE_MOST_READINGS) {
        err_set(err, ERR_LIMIT, "more than %d readings in one body: send them in several", INTAKE_MOST_READINGS);
        return NULL;
    }
    if (list->count == list->capacity && !grow(list, err))
        return NULL;
    return &list->items[list->count++];
}

void raw_reading_fault(struct raw_reading *reading, const char *field, const char *fault)
{
    if (reading->fault)
        return;
    reading->fault_field = field;
    reading->fault = fault;
}
