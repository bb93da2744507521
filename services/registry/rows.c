#include "rows.h"
#include "base/text.h"
#include "row.h"
#include "rows_reference.h"
#include "transcode/transcode.h"
#include <stdio.h>
#include <string.h>

enum { PART_ARENA_BYTES = 16 * 1024 * 1024, NAMES_ARENA_BYTES = 256 * 1024 };

/* ---- parts ---- */
static bool load_part(struct rows *rows, int part, bool *out_is_there, struct err *err)
{
    char *text;
    size_t size, line = rows->scan.next_line;
    arena_reset(&rows->arena);
    *out_is_there = rows->read(rows->context, part, &rows->arena, &text, &size, err);
    if (!*out_is_there)
        return err->kind == ERR_NOT_FOUND;
    csv_scan_begin(&rows->scan, &rows->names, text, size);
    rows->part = part;
    if (part > 0) {
        rows->scan.divider = rows->divider;
        rows->scan.next_line = line;
    }
    return true;
}

/* The next row, of whatever part; none: out_count is 0. */
static bool next_row(struct rows *rows, struct csv_field fields[ROWS_MOST_COLUMNS], size_t *out_count, struct err *err)
{
    for (;;) {
        struct err none = { 0 };
        bool is_there = false;
        if (!csv_scan_row(&rows->scan, fields, ROWS_MOST_COLUMNS, out_count, err))
            return false;
        if (*out_count > 0)
            return true;
        if (!load_part(rows, rows->part + 1, &is_there, &none)) {
            *err = none;
            return false;
        }
        if (!is_there)
            return true;
    }
}

/* ---- the heading ---- */
static bool is_note(const struct csv_field *name)
{
    return csv_field_is(name, "line") || csv_field_is(name, "reason");
}

static bool is_passed_over(const struct entity *entity, const struct csv_field *name)
{
    static const char *const others[] = { "id", "sensor_no", "version", "created_at", "updated_at" };
    for (const struct column *column = entity->columns; column->name; column++)
        if ((column->flags & COLUMN_READONLY) && csv_field_is(name, column->name))
            return true;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (csv_field_is(name, others[i]))
            return true;
    return false;
}

/* "zone" stands for zone_id, by code. */
static bool is_short_of(const struct csv_field *name, const char *column)
{
    char shorter[64];
    size_t length = strlen(column);
    if (length < 4 || length >= sizeof shorter)
        return false;
    snprintf(shorter, sizeof shorter, "%.*s", (int)(length - 3), column);
    return csv_field_is(name, shorter);
}

static bool find_column(const struct entity *entity, const struct csv_field *name, struct rows_column *out_column)
{
    *out_column = (struct rows_column){ .is_note = is_note(name) };
    if (out_column->is_note || is_passed_over(entity, name))
        return true;
    for (const struct column *column = entity->columns; column->name; column++) {
        bool is_short = column->refers && is_short_of(name, column->name);
        if (!is_short && !csv_field_is(name, column->name))
            continue;
        out_column->field = column->name;
        out_column->refers = is_short ? column->refers : NULL;
        return true;
    }
    return false;
}

static bool is_there_already(const struct rows *rows, const char *field)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (rows->columns[i].field && strcmp(rows->columns[i].field, field) == 0)
            return true;
    return false;
}

static bool unknown_column(const struct rows *rows, const struct csv_field *name, struct err *err)
{
    char known[120] = "";
    for (const struct column *column = rows->kind->entity->columns; column->name; column++) {
        size_t used = strlen(known);
        if (!(column->flags & COLUMN_READONLY))
            snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", column->name);
    }
    return err_set(err, ERR_INPUT, "line 1: there is no column '%.*s' here; there are %s ...",
        (int)(name->length < 40 ? name->length : 40), name->bytes, known);
}

static void put_field(struct buffer *out, const struct csv_field *field, char divider)
{
    bool is_quoted = false;
    for (size_t i = 0; i < field->length; i++)
        is_quoted = is_quoted || field->bytes[i] == divider || strchr("\"\r\n", field->bytes[i]);
    if (!is_quoted) {
        buffer_put(out, field->bytes, field->length);
        return;
    }
    csv_put_quoted(out, field);
}

/* What is no text in UTF-8 is told as such, but cannot be kept. */
static void make_text(struct buffer *bytes)
{
    for (size_t at = 0; at < bytes->size;) {
        size_t length = bytes->data[at] ? text_utf8_length(bytes->data + at, bytes->size - at) : 0;
        if (length == 0)
            bytes->data[at] = '?';
        at += length ? length : 1;
    }
}

/* The row without what was noted beside it the last time. */
static char *copy_row(const struct rows *rows, const struct csv_field *fields, size_t count, struct arena *arena)
{
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = 256 * 1024 };
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        if (i < rows->column_count && rows->columns[i].is_note)
            continue;
        if (!is_first)
            buffer_put_char(&text, rows->divider);
        put_field(&text, &fields[i], rows->divider);
        is_first = false;
    }
    make_text(&text);
    return buffer_ok(&text) ? arena_text(arena, text.data ? text.data : "") : NULL;
}

static bool read_heading(struct rows *rows, struct err *err)
{
    struct csv_field fields[ROWS_MOST_COLUMNS];
    size_t count = 0;
    if (!csv_scan_row(&rows->scan, fields, ROWS_MOST_COLUMNS, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct rows_column column;
        if (!text_is_utf8(fields[i].bytes, fields[i].length) || !find_column(rows->kind->entity, &fields[i], &column))
            return unknown_column(rows, &fields[i], err);
        if (column.field && is_there_already(rows, column.field))
            return err_set(err, ERR_INPUT, "line 1: the column %s is there twice", column.field);
        rows->columns[i] = column;
        rows->column_count = i + 1;
    }
    if (!is_there_already(rows, "code"))
        return err_set(err, ERR_INPUT, "the first line must be the heading, with a column called code");
    rows->divider = rows->scan.divider;
    rows->heading = copy_row(rows, fields, count, &rows->names);
    return rows->heading || err_set(err, ERR_LIMIT, "the heading is too long");
}

static bool rewind_all(struct rows *rows, struct err *err)
{
    bool is_there = false;
    rows->column_count = 0;
    rows->index = 0;
    arena_reset(&rows->names);
    if (!load_part(rows, 0, &is_there, err))
        return false;
    if (!is_there)
        return err_set(err, ERR_INPUT, "there is no file");
    return read_heading(rows, err);
}

bool rows_open(struct rows *rows, const struct bulk_kind *kind, rows_read *read, void *context, struct err *err)
{
    *rows = (struct rows){ .kind = kind, .read = read, .context = context };
    arena_init(&rows->arena, PART_ARENA_BYTES);
    arena_init(&rows->names, NAMES_ARENA_BYTES);
    return rewind_all(rows, err);
}

void rows_done(struct rows *rows)
{
    arena_done(&rows->arena);
    arena_done(&rows->names);
}

bool rows_count(struct rows *rows, int64_t *out_count, struct err *err)
{
    struct csv_field fields[ROWS_MOST_COLUMNS];
    AUTO_INPLACE(arena) scratch;
    size_t columns = 0;
    int64_t count = 0;
    arena_init(&scratch, PART_ARENA_BYTES);
    for (;; count++) {
        rows->scan.arena = &scratch;
        if (!next_row(rows, fields, &columns, err))
            return false;
        if (columns == 0)
            break;
        if (count == BULK_MOST_ITEMS)
            return err_set(err, ERR_INPUT, "there are more than %d rows: send them in several files", BULK_MOST_ITEMS);
        arena_reset(&scratch);
    }
    *out_count = count;
    return rewind_all(rows, err);
}

bool rows_skip(void *context, int64_t count, struct err *err)
{
    struct rows *rows = context;
    struct csv_field fields[ROWS_MOST_COLUMNS];
    AUTO_INPLACE(arena) scratch;
    size_t columns = 0;
    arena_init(&scratch, PART_ARENA_BYTES);
    for (; rows->index < count; rows->index++) {
        rows->scan.arena = &scratch;
        if (!next_row(rows, fields, &columns, err))
            return false;
        arena_reset(&scratch);
    }
    return true;
}

/* ---- rows ---- */
static bool refuse(struct bulk_item *item, const char *field, const char *reason)
{
    item->field = field;
    item->reason = reason;
    return true;
}

/* One value; a wrong one is noted. False without memory. */
static bool read_value(const struct rows_column *column, struct csv_field field, struct bulk_item *item,
    struct rows_references *references, size_t at, struct arena *arena)
{
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    field = csv_field_trim(field);
    if (field.length == 0 || !column->field)
        return true;
    if (field.length > ROWS_LARGEST_FIELD)
        return refuse(item, column->field, "is too long");
    if (memchr(field.bytes, '\0', field.length) || !text_is_utf8(field.bytes, field.length))
        return refuse(item, column->field, "is no text in UTF-8");
    const char *value = arena_text_n(arena, field.bytes, field.length);
    if (!value)
        return false;
    if (column->refers)
        return rows_references_add(references, at, value);
    if (transcode_set_field(item->message, arena, column->field, value, &violations, &err))
        return true;
    return err.kind != ERR_LIMIT &&
           refuse(item, column->field, violations.count > 0 ? violations.items[0].reason : "is wrong");
}

static bool read_item(struct rows *rows, const struct csv_field *fields, size_t count, struct bulk_item *item,
    struct rows_references references[ROWS_MOST_COLUMNS], size_t at, struct arena *arena)
{
    *item = (struct bulk_item){ .index = rows->index++, .line = (int64_t)rows->scan.line, .name = "" };
    item->message = wire_new(arena, rows->kind->entity->descriptor);
    item->row = copy_row(rows, fields, count, arena);
    if (!item->message || !item->row)
        return false;
    if (count != rows->column_count) {
        item->reason = arena_printf(arena, "has %zu columns, the heading has %zu", count, rows->column_count);
        return item->reason != NULL;
    }
    for (size_t i = 0; i < count && !item->reason; i++)
        if (!read_value(&rows->columns[i], fields[i], item, &references[i], at, arena))
            return false;
    const struct store_param code = row_param(item->message, "code");
    item->name = code.type == STORE_TEXT ? code.data : "";
    if (!item->reason && !*item->name)
        return refuse(item, "code", "is required");
    return true;
}

bool rows_next(
    void *context, struct work *work, struct bulk_item *items, size_t most, size_t *out_count, struct err *err)
{
    struct rows *rows = context;
    struct arena *arena = work->call->arena;
    struct csv_field fields[ROWS_MOST_COLUMNS];
    struct rows_references *references = rows_references_new(rows, most, arena);
    size_t count = 0, columns = 0;
    if (!references)
        return err_set(err, ERR_LIMIT, "no memory left for the rows");
    while (count < most) {
        rows->scan.arena = arena;
        if (!next_row(rows, fields, &columns, err))
            return false;
        if (columns == 0)
            break;
        if (!read_item(rows, fields, columns, &items[count], references, count, arena))
            return err_set(err, ERR_LIMIT, "line %zu: no memory left for the rows", rows->scan.line);
        count++;
    }
    *out_count = count;
    return rows_references_resolve(references, rows, work, items, err);
}
