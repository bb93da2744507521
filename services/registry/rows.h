/* Rows of a CSV file as items of a bulk operation. The first row is the heading: the names of the entity's fields, in
 * any order; municipality, zone, site, device and parent name others by their code (or id), beside the fields ..._id.
 * An empty field says nothing. Read only fields may stand there and are passed over, and so are the columns line and
 * reason, so that a file of failed rows can be mended and sent again. */
#pragma once
#include "base/csv.h"
#include "bulk.h"

enum { ROWS_MOST_COLUMNS = 64, ROWS_LARGEST_FIELD = 1024 };

/* One part of the text, into the arena: each ends with a whole row. False with ERR_NOT_FOUND behind the last. */
typedef bool rows_read(
    void *context, int part, struct arena *arena, char **out_text, size_t *out_size, struct err *err);

struct rows_column {
    const char *field;           /* of the message; NULL: passed over */
    const struct entity *refers; /* what is named by its code */
    bool is_note;                /* line, reason */
};
struct rows {
    const struct bulk_kind *kind;
    rows_read *read;
    void *context;
    struct arena arena; /* the part at hand */
    struct arena names; /* the heading */
    struct csv_scan scan;
    int part;
    struct rows_column columns[ROWS_MOST_COLUMNS];
    size_t column_count;
    char divider;
    char *heading;
    int64_t index; /* of the next row */
};

/* Reads the heading. ERR_INPUT with what is wrong with it. */
MUST_CHECK bool rows_open(
    struct rows *rows, const struct bulk_kind *kind, rows_read *read, void *context, struct err *err);
void rows_done(struct rows *rows);
/* Goes through all that is left and back to the first row. ERR_INPUT, with the line, for what is no CSV, and for more
 * than BULK_MOST_ITEMS rows. */
MUST_CHECK bool rows_count(struct rows *rows, int64_t *out_count, struct err *err);
/* The members of a struct bulk_source. */
MUST_CHECK bool rows_next(
    void *rows, struct work *work, struct bulk_item *items, size_t most, size_t *out_count, struct err *err);
MUST_CHECK bool rows_skip(void *rows, int64_t count, struct err *err);
