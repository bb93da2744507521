/* The list of readings that a codec fills: grows in the arena up to INTAKE_MOST_READINGS. Inside libs/ingest only. */
#pragma once
#include "ingest/intake.h"

struct raw_list {
    struct raw_reading *items;
    size_t count, capacity;
    size_t first_capacity; /* what the body's size suggests; 0: a few */
    struct arena *arena;
};
/* A zeroed reading at the end; NULL with ERR_LIMIT. Earlier ones may have moved. */
MUST_CHECK struct raw_reading *raw_list_add(struct raw_list *list, struct err *err);
/* The first fault of a reading stays. */
void raw_reading_fault(struct raw_reading *reading, const char *field, const char *fault);
