#include "page.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char id[] = "0190a0a0-1234-7abc-8def-0123456789ab";

static void a_cursor_leads_back_to_where_the_page_ended(void **state)
{
    (void)state;
    static const char *const codes[] = { "A", "DMA-07/x_y.z:1",
        "0123456789012345678901234567890123456789012345678901234567890123" };
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, 65536);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        struct page page;
        struct err err = { 0 };
        assert_true(page_begin(&page, page_cursor(&arena, id, codes[i]), true, 7, &err));
        assert_string_equal(page.after_id, id);
        assert_string_equal(page.after_code, codes[i]);
        assert_int_equal(page.limit, 7);
    }
}

static void without_a_cursor_the_first_page_begins(void **state)
{
    (void)state;
    static const char *const cursors[] = { NULL, "" };
    for (size_t i = 0; i < COUNT_OF(cursors); i++) {
        struct page page;
        struct err err = { 0 };
        assert_true(page_begin(&page, cursors[i], false, 0, &err));
        assert_string_equal(page.after_code, "");
        assert_string_equal(page.after_id, "00000000-0000-0000-0000-000000000000");
    }
}

static void the_limit_stays_within_bounds(void **state)
{
    (void)state;
    static const struct {
        bool has;
        int32_t limit;
        int64_t expected;
    } cases[] = { { false, 0, 100 }, { true, 0, 100 }, { true, -5, 100 }, { true, 1, 1 }, { true, 1000, 1000 },
        { true, INT32_MAX, 1000 } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;
        struct err err = { 0 };
        assert_true(page_begin(&page, NULL, cases[i].has, cases[i].limit, &err));
        assert_int_equal(page.limit, cases[i].expected);
    }
}

static void a_cursor_of_somebody_else_is_refused(void **state)
{
    (void)state;
    static const char *const cursors[] = {
        "x",
        "****",
        "AAAA",                     /* shorter than an id */
        "AAAAAAAAAAAAAAAAAAAAAA",   /* an id and no code */
        "AAAAAAAAAAAAAAAAAAAAAAAA", /* a NUL in the code */
        "AAAAAAAAAAAAAAAAAAAAAP__", /* a code that is not UTF-8 */
        "AAAAAAAAAAAAAAAAAAAAAEFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
        "FBQUFB",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < COUNT_OF(cursors); i++) {
        struct page page;
        struct err err = { 0 };
        if (page_begin(&page, cursors[i], true, 7, &err) || err.kind != ERR_INPUT)
            fail_msg("%s was taken", cursors[i]);
    }
}

static void a_cursor_needs_an_id_and_room(void **state)
{
    (void)state;
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, 1);
    assert_null(page_cursor(&arena, "no id", "A"));
    assert_null(page_cursor(&arena, id, "A"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_leads_back_to_where_the_page_ended),
        cmocka_unit_test(without_a_cursor_the_first_page_begins),
        cmocka_unit_test(the_limit_stays_within_bounds),
        cmocka_unit_test(a_cursor_of_somebody_else_is_refused),
        cmocka_unit_test(a_cursor_needs_an_id_and_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
