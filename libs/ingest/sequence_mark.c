#include "ingest/sequence_mark.h"
#include <math.h>
#include <string.h>

enum { FIRST_CAPACITY = 4 };

bool sequence_number(double number, uint64_t *out_number)
{
    if (!(number >= 0) || number > (double)SEQUENCE_HIGHEST || floor(number) < number)
        return false;
    *out_number = (uint64_t)number;
    return true;
}

static bool touches(const struct sequence_mark *left, const struct sequence_mark *right)
{
    return left->first <= right->last + 1 && right->first <= left->last + 1;
}

/* The time is that of the highest number. */
static void join(struct sequence_mark *mark, const struct sequence_mark *more)
{
    if (more->last >= mark->last) {
        mark->has_at = more->has_at;
        mark->at = more->at;
        mark->last = more->last;
    }
    mark->first = more->first < mark->first ? more->first : mark->first;
}

bool sequence_marks_add(struct sequence_marks *marks, const struct sequence_mark *mark)
{
    struct sequence_mark *last = marks->count > 0 ? &marks->items[marks->count - 1] : NULL;
    if (last && (touches(last, mark) || marks->count == SEQUENCE_MOST_MARKS)) {
        join(last, mark);
        return true;
    }
    if (!marks->items || marks->count == marks->capacity) {
        size_t capacity = marks->capacity > 0 ? 2 * marks->capacity : FIRST_CAPACITY;
        struct sequence_mark *grown = arena_alloc_array(marks->arena, capacity, sizeof *grown);
        if (!grown)
            return false;
        if (marks->items)
            memcpy(grown, marks->items, marks->count * sizeof *grown);
        marks->items = grown;
        marks->capacity = capacity;
    }
    marks->items[marks->count++] = *mark;
    return true;
}
