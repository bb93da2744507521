#include "base/err.h"
#undef err_set /* under clang-tidy they are macros */
#undef err_wrap
#include <stdio.h>
#include <string.h>

static void mark_cut(struct err *err, int wanted)
{
    if (wanted >= (int)sizeof err->text)
        memcpy(err->text + sizeof err->text - 4, "...", 4);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    err->kind = kind;
    mark_cut(err, vsnprintf(err->text, sizeof err->text, format, values));
    va_end(values);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char inner[sizeof err->text];
    char context[sizeof err->text];
    va_list values;
    memcpy(inner, err->text, sizeof inner);
    va_start(values, format);
    vsnprintf(context, sizeof context, format, values);
    va_end(values);
    /* The field width keeps the compiler sure of the bound; mark_cut says so when it bit. */
    mark_cut(err, snprintf(err->text, sizeof err->text, "%s: %s", context, inner));
    return false;
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",
        [ERR_CONFIG] = "config",
        [ERR_INPUT] = "input",
        [ERR_UNAUTHENTICATED] = "unauthenticated",
        [ERR_DENIED] = "denied",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_CONFLICT] = "conflict",
        [ERR_PRECONDITION] = "precondition",
        [ERR_TRANSIENT] = "transient",
        [ERR_DEADLINE] = "deadline",
        [ERR_LIMIT] = "limit",
        [ERR_BUG] = "bug",
    };
    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}
