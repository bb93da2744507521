#include "scope.h"
#include "base/uuid.h"
#include <string.h>
#include <strings.h>

/* "r:" or "m:", a UUID. */
static bool read_entry(struct scope *scope, const char *entry, size_t length, struct arena *arena, struct err *err)
{
    struct uuid uuid;
    if (length != 2 + UUID_TEXT_SIZE - 1 || entry[1] != ':' || (entry[0] != 'r' && entry[0] != 'm') ||
        !uuid_parse(entry + 2, length - 2, &uuid))
        return err_set(err, ERR_DENIED, "the part of the tenant that your permission is for cannot be read");
    char *id = arena_text_n(arena, entry + 2, length - 2);
    if (!id)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    if (entry[0] == 'r')
        scope->regions[scope->region_count++] = id;
    else
        scope->municipalities[scope->municipality_count++] = id;
    return true;
}

bool scope_read(struct scope *out_scope, const char *text, struct arena *arena, struct err *err)
{
    size_t most = strlen(text) / (UUID_TEXT_SIZE - 1) + 1;
    *out_scope = (struct scope){ .is_whole = !*text };
    out_scope->regions = arena_alloc_array(arena, most, sizeof *out_scope->regions);
    out_scope->municipalities = arena_alloc_array(arena, most, sizeof *out_scope->municipalities);
    if (!out_scope->regions || !out_scope->municipalities)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, " ");
        if (length > 0 && !read_entry(out_scope, at, length, arena, err))
            return false;
        at += length + (at[length] == ' ');
    }
    return true;
}

bool scope_has_region(const struct scope *scope, const char *region_id)
{
    for (size_t i = 0; region_id && i < scope->region_count; i++)
        if (strcasecmp(scope->regions[i], region_id) == 0)
            return true;
    return scope->is_whole;
}
