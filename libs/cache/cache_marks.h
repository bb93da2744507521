/* A bounded set of what is worthless: kinds by tenant. When it is full it says "everything". Not for sharing. */
#pragma once
#include "base/compiler.h"

enum { CACHE_MOST_MARKS = 64 };
struct cache_mark {
    int32_t tenant_id;
    unsigned kinds;
};
struct cache_marks {
    struct cache_mark items[CACHE_MOST_MARKS];
    size_t count;
    bool everything; /* of every tenant */
};
/* tenant_id 0: everything. */
void cache_marks_add(struct cache_marks *marks, int32_t tenant_id, unsigned kinds);
void cache_marks_add_all(struct cache_marks *marks, const struct cache_marks *more);
static inline bool cache_marks_is_empty(const struct cache_marks *marks)
{
    return marks->count == 0 && !marks->everything;
}
