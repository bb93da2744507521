/* Remembers what changed and in which order, so that an answer that was on its way when its subject changed is not
 * kept: whoever asks notes the position first and looks afterwards whether the subject changed since. Guarded by the
 * directory's lock. Inside libs/ingest only. */
#pragma once
#include "base/compiler.h"

struct map;
struct change_marks {
    struct map *map; /* key -> position of its last change */
    uint64_t position;
    uint64_t forgotten; /* changes up to here are no longer known one by one: all counts as changed */
};
MUST_CHECK bool change_marks_init(struct change_marks *marks);
void change_marks_done(struct change_marks *marks);
/* False when it had to forget: whatever is kept is to be dropped. */
MUST_CHECK bool change_marks_note(struct change_marks *marks, const void *key, size_t key_size);
/* Everything changes. */
void change_marks_note_all(struct change_marks *marks);
/* The position of the key's last change that is known one by one; 0 if none is. */
uint64_t change_marks_last(const struct change_marks *marks, const void *key, size_t key_size);
bool change_marks_has_since(const struct change_marks *marks, const void *key, size_t key_size, uint64_t position);
