#include "cache/cache_marks.h"

void cache_marks_add(struct cache_marks *marks, int32_t tenant_id, unsigned kinds)
{
    if (kinds == 0 || marks->everything)
        return;
    for (size_t i = 0; i < marks->count; i++)
        if (marks->items[i].tenant_id == tenant_id) {
            marks->items[i].kinds |= kinds;
            return;
        }
    if (tenant_id == 0 || marks->count == CACHE_MOST_MARKS) {
        marks->everything = true;
        marks->count = 0;
        return;
    }
    marks->items[marks->count++] = (struct cache_mark){ tenant_id, kinds };
}

void cache_marks_add_all(struct cache_marks *marks, const struct cache_marks *more)
{
    if (more->everything)
        cache_marks_add(marks, 0, 1);
    for (size_t i = 0; i < more->count; i++)
        cache_marks_add(marks, more->items[i].tenant_id, more->items[i].kinds);
}
