#include "base/csv.h"
#include <string.h>
#include <strings.h>

static char find_divider(const char *at, const char *end)
{
    for (; at < end && *at != '\n'; at++)
        if (*at == ',' || *at == ';' || *at == '\t')
            return *at;
    return ',';
}

void csv_scan_begin(struct csv_scan *scan, struct arena *arena, const char *text, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    *scan = (struct csv_scan){ .at = text, .end = text + size, .arena = arena, .next_line = 1 };
    if (size >= 3 && memcmp(text, mark, 3) == 0)
        scan->at += 3;
    scan->divider = find_divider(scan->at, scan->end);
}

static bool is_row_end(const struct csv_scan *scan)
{
    return scan->at == scan->end || *scan->at == '\n' ||
           (*scan->at == '\r' && (scan->at + 1 == scan->end || scan->at[1] == '\n'));
}

static void skip_row_end(struct csv_scan *scan)
{
    if (scan->at < scan->end && *scan->at == '\r')
        scan->at++;
    if (scan->at < scan->end)
        scan->at++;
    scan->next_line++;
}

static bool copy_undoubled(struct csv_scan *scan, struct csv_field *field, struct err *err)
{
    char *copy = arena_alloc(scan->arena, field->length);
    size_t length = 0;
    if (!copy)
        return err_set(err, ERR_LIMIT, "line %zu: no memory left", scan->line);
    for (size_t i = 0; i < field->length; i++) {
        copy[length++] = field->bytes[i];
        i += field->bytes[i] == '"'; /* the second of the two */
    }
    *field = (struct csv_field){ copy, length };
    return true;
}

/* After the opening quote. */
static bool read_quoted(struct csv_scan *scan, struct csv_field *out_field, struct err *err)
{
    const char *start = scan->at;
    bool has_doubled = false;
    while (scan->at < scan->end && (*scan->at != '"' || (scan->at + 1 < scan->end && scan->at[1] == '"'))) {
        has_doubled = has_doubled || *scan->at == '"';
        scan->next_line += *scan->at == '\n';
        scan->at += *scan->at == '"' ? 2 : 1;
    }
    if (scan->at == scan->end)
        return err_set(err, ERR_INPUT, "line %zu: a quote that begins here does not end", scan->line);
    *out_field = (struct csv_field){ start, (size_t)(scan->at - start) };
    scan->at++;
    if (!is_row_end(scan) && *scan->at != scan->divider)
        return err_set(err, ERR_INPUT, "line %zu: text after a closing quote", scan->line);
    return !has_doubled || copy_undoubled(scan, out_field, err);
}

static bool read_field(struct csv_scan *scan, struct csv_field *out_field, struct err *err)
{
    if (scan->at < scan->end && *scan->at == '"') {
        scan->at++;
        return read_quoted(scan, out_field, err);
    }
    const char *start = scan->at;
    while (!is_row_end(scan) && *scan->at != scan->divider) {
        if (*scan->at == '"')
            return err_set(err, ERR_INPUT, "line %zu: a quote amid a field: quote the whole field", scan->line);
        scan->at++;
    }
    *out_field = (struct csv_field){ start, (size_t)(scan->at - start) };
    return true;
}

bool csv_scan_row(struct csv_scan *scan, struct csv_field *fields, size_t most, size_t *out_count, struct err *err)
{
    size_t count = 0;
    while (scan->at < scan->end && is_row_end(scan))
        skip_row_end(scan);
    scan->line = scan->next_line;
    *out_count = 0;
    if (scan->at == scan->end)
        return true;
    for (;;) {
        if (count == most)
            return err_set(err, ERR_INPUT, "line %zu: more than %zu columns", scan->line, most);
        if (!read_field(scan, &fields[count++], err))
            return false;
        if (is_row_end(scan))
            break;
        scan->at++; /* the divider */
    }
    skip_row_end(scan);
    *out_count = count;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct csv_field csv_field_trim(struct csv_field field)
{
    while (field.length > 0 && is_blank(field.bytes[0]))
        field = (struct csv_field){ field.bytes + 1, field.length - 1 };
    while (field.length > 0 && is_blank(field.bytes[field.length - 1]))
        field.length--;
    return field;
}

bool csv_field_is(const struct csv_field *field, const char *name)
{
    struct csv_field trimmed = csv_field_trim(*field);
    return trimmed.length == strlen(name) && strncasecmp(trimmed.bytes, name, trimmed.length) == 0;
}

void csv_put_quoted(struct buffer *out, const struct csv_field *field)
{
    buffer_put_char(out, '"');
    for (size_t i = 0; i < field->length; i++) {
        if (field->bytes[i] == '"')
            buffer_put_char(out, '"');
        buffer_put_char(out, field->bytes[i]);
    }
    buffer_put_char(out, '"');
}
