#include "page.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char id[] = "0190a0a0-1234-7abc-8def-0123456789ab";

static const char *const sorts[] = { "code", "-code", "name", "-name", "created_at", "-created_at", NULL };

static struct page sorted_by(const char *sort)
{
    struct page page;
    struct err err = { 0 };
    if (!page_sort(&page, sort, &err))
        fail_msg("%s: %s", sort, err.text);
    return page;
}

static void a_cursor_leads_back_to_where_the_page_ended(void **state)
{
    (void)state;
    static const char *const keys[] = { "A", "DMA-07/x_y.z:1", "", "Seestadt \xc3\xbc",
        "0123456789012345678901234567890123456789012345678901234567890123" };
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, 65536);
    for (size_t k = 0; k < COUNT_OF(sorts); k++)
        for (size_t i = 0; i < COUNT_OF(keys); i++) {
            struct page before = sorted_by(sorts[k]), page = sorted_by(sorts[k]);
            struct err err = { 0 };
            assert_true(page_begin(&page, page_cursor(&arena, &before, id, keys[i]), true, 7, &err));
            assert_true(page.has_after);
            assert_string_equal(page.after_id, id);
            assert_string_equal(page.after_key, keys[i]);
            assert_int_equal(page.limit, 7);
        }
}

static void a_sort_is_one_of_the_names_given(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "-", "--code", "Code", "id", "code ", "code;drop", "-created" };
    assert_int_equal(sorted_by(NULL).key, PAGE_BY_CODE);
    assert_int_equal(sorted_by("-created_at").key, PAGE_BY_AGE);
    assert_true(sorted_by("-name").is_descending);
    assert_false(sorted_by("name").is_descending);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct page page;
        struct err err = { 0 };
        if (page_sort(&page, bad[i], &err) || err.kind != ERR_INPUT)
            fail_msg("%s was taken", bad[i]);
    }
}

static void a_cursor_is_for_one_sort_only(void **state)
{
    (void)state;
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, 65536);
    for (size_t k = 0; k < 6; k++)
        for (size_t other = 0; other < 6; other++) {
            struct page before = sorted_by(sorts[k]), page = sorted_by(sorts[other]);
            struct err err = { 0 };
            assert_int_equal(page_begin(&page, page_cursor(&arena, &before, id, "A"), true, 7, &err), k == other);
        }
}

static void without_a_cursor_the_first_page_begins(void **state)
{
    (void)state;
    static const char *const cursors[] = { NULL, "" };
    for (size_t i = 0; i < COUNT_OF(cursors); i++) {
        struct page page = sorted_by(NULL);
        struct err err = { 0 };
        assert_true(page_begin(&page, cursors[i], false, 0, &err));
        assert_false(page.has_after);
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
        struct page page = sorted_by(NULL);
        struct err err = { 0 };
        assert_true(page_begin(&page, NULL, cases[i].has, cases[i].limit, &err));
        assert_int_equal(page.limit, cases[i].expected);
    }
}

static void a_cursor_of_somebody_else_is_refused(void **state)
{
    (void)state;
    char long_one[1024];
    memset(long_one, 'Y', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    const char *const cursors[] = {
        "x",
        "****",
        "YAAA",                         /* shorter than an id */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* no sort */
        "YwAAAAAAAAAAAAAAAAAAAAAAAA",   /* a NUL in the key */
        "YwAAAAAAAAAAAAAAAAAAAAD_",     /* a key that is not UTF-8 */
        long_one,
    };
    for (size_t i = 0; i < COUNT_OF(cursors); i++) {
        struct page page = sorted_by(NULL);
        struct err err = { 0 };
        if (page_begin(&page, cursors[i], true, 7, &err) || err.kind != ERR_INPUT)
            fail_msg("%s was taken", cursors[i]);
    }
}

static void a_cursor_needs_an_id_and_room(void **state)
{
    (void)state;
    struct page page = sorted_by(NULL);
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, 1);
    assert_null(page_cursor(&arena, &page, "no id", "A"));
    assert_null(page_cursor(&arena, &page, id, "A"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_leads_back_to_where_the_page_ended),
        cmocka_unit_test(a_sort_is_one_of_the_names_given),
        cmocka_unit_test(a_cursor_is_for_one_sort_only),
        cmocka_unit_test(without_a_cursor_the_first_page_begins),
        cmocka_unit_test(the_limit_stays_within_bounds),
        cmocka_unit_test(a_cursor_of_somebody_else_is_refused),
        cmocka_unit_test(a_cursor_needs_an_id_and_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
