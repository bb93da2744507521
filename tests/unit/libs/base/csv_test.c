#include "base/csv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 4 };

/* Rows as "a|b/c|d/", or "line N: ..." where it stops. */
static void render(char *out, size_t size, const char *text)
{
    struct arena arena;
    struct csv_scan scan;
    struct csv_field fields[MOST];
    struct err err = { 0 };
    size_t count, used = 0;
    bool ok;
    arena_init(&arena, 1000);
    csv_scan_begin(&scan, &arena, text, strlen(text));
    out[0] = '\0';
    while ((ok = csv_scan_row(&scan, fields, MOST, &count, &err)) && count > 0) {
        for (size_t i = 0; i < count; i++)
            used += (size_t)snprintf(
                out + used, size - used, "%s%.*s", i > 0 ? "|" : "", (int)fields[i].length, fields[i].bytes);
        used += (size_t)snprintf(out + used, size - used, "/");
    }
    if (!ok)
        snprintf(out + used, size - used, "%s", err.text);
    arena_done(&arena);
}

static void rows_are_read(void **state)
{
    static const struct {
        const char *text, *rows;
    } cases[] = {
        { "", "" },
        { "\n\r\n\n", "" },
        { "a,b\n1,2\n", "a|b/1|2/" },
        { "a,b\r\n1,2", "a|b/1|2/" },
        { "\xef\xbb\xbf"
          "a;b\n1,5;2\n",
            "a|b/1,5|2/" },
        { "a\tb\n1\t2\n", "a|b/1|2/" },
        { "a,,\n,,\n", "a||/||/" },
        { "\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\",x\n", "a,b|say \"hi\"/two\nlines|x/" },
        { "\"\",\"\"\"\"\n", "|\"/" },
        { "a,b\n\n\n1,\"x", "a|b/line 4: a quote that begins here does not end" },
        { "a,b\n1,\"x\"y\n", "a|b/line 2: text after a closing quote" },
        { "a,b\n1,x\"y\n", "a|b/line 2: a quote amid a field: quote the whole field" },
        { "a,b\n\"1\n2\",3\n4,5,6,7,8\n", "a|b/1\n2|3/line 4: more than 4 columns" },
        { "a\rb,c\n", "a\rb|c/" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char rows[256];
        render(rows, sizeof rows, cases[i].text);
        assert_string_equal(rows, cases[i].rows);
    }
}

static void a_full_arena_is_told(void **state)
{
    static char text[3000];
    struct arena arena;
    struct csv_scan scan;
    struct csv_field field;
    struct err err = { 0 };
    size_t count;
    (void)state;
    memset(text, '"', sizeof text - 1);
    text[1] = 'x'; /* a quoted field of doubled quotes */
    text[sizeof text - 2] = '"';
    arena_init(&arena, 100);
    csv_scan_begin(&scan, &arena, text, sizeof text - 1);
    assert_false(csv_scan_row(&scan, &field, 1, &count, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_done(&arena);
}

static void names_are_compared_without_case_and_blanks(void **state)
{
    const struct csv_field field = { " Sensor_ID\t", 11 };
    (void)state;
    assert_true(csv_field_is(&field, "sensor_id"));
    assert_false(csv_field_is(&field, "sensor"));
    assert_int_equal(csv_field_trim(field).length, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(a_full_arena_is_told),
        cmocka_unit_test(names_are_compared_without_case_and_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
