#include "ingest/change_marks.h"
#include "base/map.h"

enum { MOST_MARKS = 65536 };

bool change_marks_init(struct change_marks *marks)
{
    *marks = (struct change_marks){ .map = map_new(MOST_MARKS) };
    return marks->map != NULL;
}

void change_marks_done(struct change_marks *marks)
{
    map_free(marks->map, NULL);
    marks->map = NULL;
}

void change_marks_note_all(struct change_marks *marks)
{
    struct map *fresh = map_new(MOST_MARKS);
    marks->forgotten = ++marks->position;
    if (!fresh)
        return; /* the old marks are all below forgotten: only memory is lost */
    map_free(marks->map, NULL);
    marks->map = fresh;
}

bool change_marks_note(struct change_marks *marks, const void *key, size_t key_size)
{
    /* The map holds pointers; a position is never 0 and is kept as one. */
    if (map_put(marks->map, key, key_size, (void *)(uintptr_t)++marks->position, NULL))
        return true;
    change_marks_note_all(marks);
    return false;
}

bool change_marks_has_since(const struct change_marks *marks, const void *key, size_t key_size, uint64_t position)
{
    if (position < marks->forgotten)
        return true;
    return map_count(marks->map) > 0 && (uintptr_t)map_get(marks->map, key, key_size) > position;
}

uint64_t change_marks_last(const struct change_marks *marks, const void *key, size_t key_size)
{
    return map_count(marks->map) > 0 ? (uintptr_t)map_get(marks->map, key, key_size) : 0;
}
