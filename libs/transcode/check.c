#include "transcode/check.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum { PLACE_TEXT_SIZE = 256, LONGEST_NAME = 64 };

/* Names may come from outside: cut at a whole character. */
static size_t shown_length(const char *name)
{
    size_t length = strlen(name), at = 0;
    while (at < length) {
        size_t step = text_utf8_length(name + at, length - at);
        if (step == 0 || at + step > LONGEST_NAME)
            break;
        at += step;
    }
    return at;
}

static void put_place(struct buffer *out, const struct place *place)
{
    const struct place *chain[32];
    size_t depth = 0;
    for (; place && depth < COUNT_OF(chain); place = place->parent)
        chain[depth++] = place;
    while (depth-- > 0) {
        if (out->size > 0)
            buffer_put_char(out, '.');
        buffer_put(out, chain[depth]->field, shown_length(chain[depth]->field));
        if (chain[depth]->has_index)
            buffer_printf(out, "[%zu]", chain[depth]->index);
    }
}

static bool is_noted(const struct transcode_violations *violations, const char *field)
{
    for (size_t i = 0; i < violations->count; i++)
        if (strcmp(violations->items[i].field, field) == 0)
            return true;
    return false;
}

void check_violation(struct check *check, const struct place *place, const char *format, ...)
{
    struct transcode_violations *violations = check->violations;
    if (violations->count == COUNT_OF(violations->items))
        return;
    AUTO_INPLACE(buffer) text = { 0 };
    put_place(&text, place);
    if (!buffer_ok(&text)) {
        check->is_out_of_memory = true;
        return;
    }
    if (is_noted(violations, text.size > 0 ? text.data : ""))
        return;
    char *field = arena_text_n(check->arena, text.data ? text.data : "", text.size);
    char reason[512];
    va_list values;
    va_start(values, format);
    vsnprintf(reason, sizeof reason, format, values);
    va_end(values);
    char *reason_kept = arena_text(check->arena, reason);
    if (!field || !reason_kept) {
        check->is_out_of_memory = true;
        return;
    }
    violations->items[violations->count].field = field;
    violations->items[violations->count].reason = reason_kept;
    violations->count++;
}

bool check_result(const struct check *check, struct err *err)
{
    const struct transcode_violations *violations = check->violations;
    if (check->is_out_of_memory)
        return err_set(err, ERR_LIMIT, "the request needs more memory than there is for one");
    if (violations->count == 0)
        return true;
    if (violations->count == 1)
        return err_set(err, ERR_INPUT, "%s: %s", violations->items[0].field, violations->items[0].reason);
    return err_set(err, ERR_INPUT, "%s: %s (and %zu more)", violations->items[0].field, violations->items[0].reason,
        violations->count - 1);
}
