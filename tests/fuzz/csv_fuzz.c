/* Any bytes as CSV: refused with a line number, or rows whose fields, written again with every field quoted, read the
 * same. */
#include "base/csv.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 8 * 1024 * 1024, MOST = 32 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_again(const struct csv_field *fields, size_t count, char divider)
{
    struct csv_scan scan;
    struct csv_field again[MOST];
    struct err err = { 0 };
    size_t found = 0;
    AUTO_INPLACE(arena) arena;
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = ARENA_BYTES };
    arena_init(&arena, ARENA_BYTES);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_put_char(&text, divider);
        csv_put_quoted(&text, &fields[i]);
    }
    must(buffer_ok(&text));
    csv_scan_begin(&scan, &arena, text.data, text.size);
    scan.divider = divider;
    must(csv_scan_row(&scan, again, MOST, &found, &err) && found == count);
    for (size_t i = 0; i < count; i++)
        must(again[i].length == fields[i].length &&
             (again[i].length == 0 || memcmp(again[i].bytes, fields[i].bytes, again[i].length) == 0));
    must(csv_scan_row(&scan, again, MOST, &found, &err) && found == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv_scan scan;
    struct csv_field fields[MOST];
    struct err err = { 0 };
    size_t count = 0, line = 0;
    bool ok;
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, ARENA_BYTES);
    csv_scan_begin(&scan, &arena, (const char *)data, size);
    while ((ok = csv_scan_row(&scan, fields, MOST, &count, &err)) && count > 0) {
        must(scan.line > line);
        line = scan.line;
        check_again(fields, count, scan.divider);
    }
    must(ok || err.kind == ERR_INPUT || err.kind == ERR_LIMIT);
    return 0;
}
