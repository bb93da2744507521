/* What rows name by code (a zone, a device), looked up for a whole chunk at once. */
#pragma once
#include "rows.h"

/* Of one column: the names of the chunk's rows. */
struct rows_references {
    const char **names; /* by row; NULL: says nothing */
    size_t most;
};
/* One for each column of rows, in the arena. NULL without memory. */
MUST_CHECK struct rows_references *rows_references_new(const struct rows *rows, size_t most, struct arena *arena);
MUST_CHECK bool rows_references_add(struct rows_references *references, size_t at, const char *name);
/* Puts the ids into the items' messages; a name that the caller cannot see makes its item a bad one. */
MUST_CHECK bool rows_references_resolve(struct rows_references *references, const struct rows *rows, struct work *work,
    struct bulk_item *items, struct err *err);
